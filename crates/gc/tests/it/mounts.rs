//! What is mounted between a plan and its execution. It takes a name space of mounts of one's own.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use buildbook_gc::{Policy, Roots, SkipReason, execute_layers, plan_layers, survey_layers};
use buildbook_layout::{PlatformTree, Timestamp};

#[test]
fn a_layer_stays_in_which_something_was_mounted_after_the_plan() {
    if let Some(platform) = std::env::var_os("GC_TEST_MOUNTS") {
        return mount_after_the_plan(Path::new(&platform));
    }
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount"]);
        command
    };
    if !unshare().arg("true").output().is_ok_and(|tried| tried.status.success()) {
        return;
    }
    let platform = tempfile::tempdir().unwrap();
    for layer in ["build-00000000000a", "build-00000000000b", "build-00000000000c"] {
        std::fs::create_dir_all(platform.path().join(layer).join("fs")).unwrap();
        std::fs::write(platform.path().join(layer).join("layer.json"), "{}").unwrap();
    }
    let ran = unshare()
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "mounts::a_layer_stays_in_which_something_was_mounted_after_the_plan"])
        .env("GC_TEST_MOUNTS", platform.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

fn mount_after_the_plan(platform: &Path) {
    let tree = PlatformTree::at(platform);
    let policy = Policy { min_age: Duration::ZERO, ..Policy::default() };
    let later = Timestamp::parse("2100-01-01T00:00:00Z").unwrap();
    let plan = plan_layers(survey_layers(&tree).unwrap(), &Roots::new(), &policy, later);
    assert_eq!(plan.removals().count(), 3);
    let inside = platform.join("build-00000000000b/fs");
    assert!(Command::new("mount").args(["-t", "tmpfs", "none"]).arg(&inside).status().unwrap().success());
    std::fs::write(inside.join("precious"), "").unwrap();
    let result = execute_layers(&plan).unwrap();
    let [skipped] = &result.skipped[..] else { panic!("{result:?}") };
    assert_eq!((skipped.name.as_str(), &skipped.reason), ("build-00000000000b", &SkipReason::Mounted));
    assert_eq!(result.removed.len(), 2, "{result:?}");
    assert!(inside.join("precious").exists());
}
