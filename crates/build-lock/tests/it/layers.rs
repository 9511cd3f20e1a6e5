use std::path::Path;

use buildbook_build_lock::list_active_layers;
use buildbook_fsio::Lock;
use buildbook_other_process::Other;

#[test]
fn locks_beside_layers_are_listed_in_both_spellings() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let builder = Other::start("lockf", &at("0123456789ab.lock"));
    let noted = Lock::acquire(&at("build-0123456789ab.lock")).unwrap();
    noted.write_note(b"77\n1773060904\n/tmp/day11_run_x/build.log\n").unwrap();
    let _other = Lock::acquire(&at("gc.lock")).unwrap();
    std::fs::write(at("ffffffffffff.lock"), "").unwrap();
    std::fs::create_dir(at("eeeeeeeeeeee.lock")).unwrap();

    let active = list_active_layers(folder.path()).unwrap();
    let [plain, prefixed] = &active.locks[..] else { panic!("two layers: {active:?}") };
    assert_eq!(plain.layer.as_str(), "0123456789ab");
    assert_eq!((plain.pid, plain.holder_pid), (None, Some(i32::try_from(builder.pid()).unwrap())));
    assert_eq!(prefixed.layer.as_str(), "build-0123456789ab");
    assert_eq!(prefixed.pid, Some(77));
    assert_eq!(prefixed.temp_log_path.as_deref(), Some(Path::new("/tmp/day11_run_x/build.log")));
    assert_eq!(active.problems.len(), 1, "a folder has the name of a lock");
    builder.finish();
    assert_eq!(list_active_layers(folder.path()).unwrap().locks.len(), 1);
}
