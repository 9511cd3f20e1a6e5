//! A layer in which something is mounted, which takes a name space of mounts of one's own.

use std::path::Path;
use std::time::Duration;

use buildbook::gc::{Policy, Roots, execute_layers, plan_layers, survey_layers};
use buildbook::layout::PlatformTree;

use crate::at;

/// Collects the layers of a platform, and tells why each stays, and what went.
pub(crate) fn collect(folder: &Path) -> Vec<String> {
    let tree = PlatformTree::at(folder);
    let policy = Policy { min_age: Duration::ZERO, ..Policy::default() };
    let plan = plan_layers(survey_layers(&tree).unwrap(), &Roots::new(), &policy, at("2100-01-01T00:00:00Z"));
    let stays = plan.items.iter().filter(|item| !item.goes());
    let mut words: Vec<String> = stays.map(|item| format!("{}: {}", item.name, item.decision)).collect();
    let result = execute_layers(&plan).unwrap();
    words.extend(result.removed.iter().map(|removed| format!("{}: removed", removed.name)));
    words.extend(result.problems.iter().map(ToString::to_string));
    words
}

/// C-G12: the original removes what is mounted together with the layer that it is mounted in.
#[cfg(target_os = "linux")]
#[test]
fn a_layer_in_which_something_is_mounted_is_not_collected() {
    use std::process::Command;

    use crate::child::{ARGUMENTS, said};

    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount"]);
        command
    };
    if !unshare().arg("true").output().is_ok_and(|tried| tried.status.success()) {
        eprintln!("skipped: the system gives no name space of mounts");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let platform = folder.path().join("debian-12-x86_64");
    for layer in ["build-aaaaaaaaaaaa", "build-bbbbbbbbbbbb"] {
        std::fs::create_dir_all(platform.join(layer).join("fs/html")).unwrap();
        std::fs::write(platform.join(layer).join("layer.json"), r#"{"exit_status":0}"#).unwrap();
    }
    let outside = folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("precious"), "").unwrap();

    let mut command = unshare();
    command
        .args(["sh", "-c", r#"mount --bind "$1" "$2" && shift 2 && exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args([&outside, &platform.join("build-aaaaaaaaaaaa/fs/html")])
        .args(ARGUMENTS);
    assert_eq!(
        said("collect", &platform, command),
        "build-aaaaaaaaaaaa: keep, a file system is mounted in it\n\
         build-bbbbbbbbbbbb: removed\n"
    );
    assert!(outside.join("precious").exists());
}
