use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use buildbook_fsio::{faults, remove_tree, remove_trees};
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};

#[test]
fn removing_a_tree_stays_inside_it() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::create_dir_all(at("outside")).unwrap();
    fs::write(at("outside/precious"), "").unwrap();
    fs::create_dir_all(at("tree/sub")).unwrap();
    fs::write(at("tree/sub/file"), "").unwrap();
    symlink(at("outside"), at("tree/link")).unwrap();
    remove_tree(&at("tree")).unwrap();
    assert!(!at("tree").exists());
    assert!(at("outside/precious").exists());

    symlink(at("outside"), at("link")).unwrap();
    remove_tree(&at("link")).unwrap();
    assert!(!at("link").is_symlink());
    assert!(at("outside/precious").exists());
    remove_tree(&at("outside/precious")).unwrap();
    assert!(!at("outside/precious").exists());
    remove_tree(&at("outside/precious")).expect("what is gone already is no error");
}

#[test]
fn a_link_with_a_slash_behind_it_is_removed_and_not_followed() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::create_dir(at("outside")).unwrap();
    fs::write(at("outside/precious"), "").unwrap();
    symlink("outside", at("link")).unwrap();
    remove_tree(&at("link/")).unwrap();
    assert!(at("outside/precious").exists());
    assert!(!at("link").is_symlink());
}

#[test]
fn a_path_without_a_name_is_refused_before_anything_is_removed() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("sub")).unwrap();
    let error = remove_tree(&root.path().join("sub/..")).unwrap_err();
    assert_eq!(error.kind(), Some(std::io::ErrorKind::InvalidInput), "{error}");
    assert!(root.path().join("sub").exists());
}

#[test]
fn a_tree_of_any_depth_is_removed() {
    let root = tempfile::tempdir().unwrap();
    let tree = root.path().join("tree");
    fs::create_dir(&tree).unwrap();
    // Deeper than a stack of calls, a list of open files or a path can be.
    let mut folder: std::os::fd::OwnedFd = fs::File::open(&tree).unwrap().into();
    for name in ["d", ".moved-1", ".moved-2"].into_iter().cycle().take(3_000) {
        mkdirat(&folder, name, Mode::S_IRWXU).unwrap();
        folder = openat(&folder, name, OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()).unwrap();
    }
    let small_stack = std::thread::Builder::new().stack_size(256 << 10);
    small_stack
        .spawn({
            let tree = tree.clone();
            move || remove_tree(&tree).unwrap()
        })
        .unwrap()
        .join()
        .unwrap();
    assert!(!tree.exists());
}

#[test]
fn several_may_remove_a_tree_at_once() {
    let root = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let tree = root.path().join(format!("{round}"));
        for n in 0..20 {
            fs::create_dir_all(tree.join(format!("{n}/a/b"))).unwrap();
            fs::write(tree.join(format!("{n}/a/file")), "").unwrap();
        }
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    remove_tree(&tree).unwrap();
                    assert!(!tree.exists());
                });
            }
        });
    }
}

/// A superuser needs no rights, so the test is run again by somebody else.
#[test]
fn folders_without_rights_are_given_them_and_removed() {
    let root = tempfile::tempdir().unwrap();
    if !nix::unistd::geteuid().is_root() {
        return remove_folders_without_rights(root.path());
    }
    if let Some(folder) = std::env::var_os("FSIO_TEST_UNPRIVILEGED") {
        panic!("still the superuser in {}", Path::new(&folder).display());
    }
    let nobody = 65_534;
    let program = root.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let ran = std::process::Command::new(program)
        .args(["--exact", "remove::folders_without_rights_are_given_them_and_removed"])
        .env("TMPDIR", root.path())
        .env("FSIO_TEST_UNPRIVILEGED", root.path())
        .current_dir(root.path())
        .uid(nobody)
        .gid(nobody)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

fn remove_folders_without_rights(root: &Path) {
    for mode in [0o000, 0o100, 0o300, 0o400, 0o500, 0o600] {
        let tree = root.join(format!("tree-{mode:o}"));
        // One of them is so deep that it is moved before it is removed.
        let deep = tree.join("d/".repeat(40));
        for folder in [tree.join("sub/locked"), deep.join("locked")] {
            fs::create_dir_all(folder.join("inner")).unwrap();
            fs::write(folder.join("file"), "").unwrap();
            for locked in [folder.join("inner"), folder] {
                fs::set_permissions(locked, fs::Permissions::from_mode(mode)).unwrap();
            }
        }
        fs::set_permissions(&tree, fs::Permissions::from_mode(mode)).unwrap();
        remove_tree(&tree).unwrap();
        assert!(!tree.exists(), "{mode:o}");
    }
}

/// Mounting needs a name space of one's own; where the system gives none, there is nothing to show.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_removed_through_a_mount() {
    if let Some(root) = std::env::var_os("FSIO_TEST_MOUNTED") {
        let root = Path::new(&root);
        for place in ["tree", "tree/sub/mounted"] {
            let error = remove_tree(&root.join(place)).unwrap_err();
            assert_eq!(error.kind(), Some(std::io::ErrorKind::CrossesDevices), "{place}: {error}");
        }
        return assert!(root.join("tree/sub/mounted/precious").exists());
    }
    let unshare = || {
        let mut command = std::process::Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount"]);
        command
    };
    if !unshare().arg("true").output().is_ok_and(|tried| tried.status.success()) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("tree/sub/mounted")).unwrap();
    fs::create_dir(root.path().join("outside")).unwrap();
    fs::write(root.path().join("outside/precious"), "").unwrap();
    let ran = unshare()
        .args(["sh", "-c", "mount --bind outside tree/sub/mounted && exec \"$0\" --exact \"$1\""])
        .arg(std::env::current_exe().unwrap())
        .arg("remove::nothing_is_removed_through_a_mount")
        .env("FSIO_TEST_MOUNTED", root.path())
        .current_dir(root.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(root.path().join("outside/precious").exists());
    remove_tree(&root.path().join("tree")).expect("nothing is mounted in this name space");
}

#[test]
fn many_trees_go_at_the_same_time_and_each_is_told_of() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::create_dir(at("outside")).unwrap();
    fs::write(at("outside/precious"), "").unwrap();
    let mut trees: Vec<_> = (0..60).map(|number| at(&format!("tree{number}"))).collect();
    for tree in &trees {
        fs::create_dir_all(tree.join("sub/deeper")).unwrap();
        (0..5).for_each(|number| fs::write(tree.join(format!("sub/{number}")), "").unwrap());
        symlink(at("outside"), tree.join("link")).unwrap();
    }
    trees.insert(7, at("outside/.."));
    trees.insert(20, at("missing"));
    let paths: Vec<&Path> = trees.iter().map(|tree| tree.as_path()).collect();
    let results = remove_trees(&paths);
    assert_eq!(results.len(), paths.len());
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result.is_err(), number == 7, "{number}: {result:?}");
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    assert!(at("outside/precious").exists());
    assert!(remove_trees(&[]).is_empty());
}

#[test]
fn trees_go_one_after_the_other_while_a_test_counts_operations() {
    let root = tempfile::tempdir().unwrap();
    let make = || -> Vec<_> {
        let trees: Vec<_> = (0..9).map(|number| root.path().join(format!("{number}"))).collect();
        trees.iter().for_each(|tree| fs::create_dir_all(tree.join("sub")).unwrap());
        trees
    };
    let trees = make();
    let paths: Vec<&Path> = trees.iter().map(|tree| tree.as_path()).collect();
    let (results, calls) = faults::count(|| remove_trees(&paths));
    assert!(results.iter().all(|result| result.is_ok()));
    assert_eq!(calls.iter().map(|call| call.path.clone()).collect::<Vec<_>>(), trees);
    for at in 0..paths.len() {
        make();
        let results = faults::inject(at, faults::Fault::Stop, || remove_trees(&paths));
        for (number, (path, result)) in paths.iter().zip(results).enumerate() {
            assert_eq!((path.exists(), result.is_err()), (number >= at, number >= at), "{number} of {at}");
        }
    }
}
