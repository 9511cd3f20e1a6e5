use std::os::unix::fs::PermissionsExt as _;

use buildbook_fsio::{create_folders, remove_tree, sync_folder};

#[test]
fn folders_are_made_by_many_at_once() {
    let root = tempfile::tempdir().unwrap();
    let deep = root.path().join("a/b/c/d");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| create_folders(&deep).unwrap());
        }
    });
    assert!(deep.is_dir());
    std::fs::write(root.path().join("file"), "").unwrap();
    let error = create_folders(&root.path().join("file/below")).unwrap_err();
    assert_eq!(error.kind(), Some(std::io::ErrorKind::NotADirectory), "{error}");
}

#[test]
fn removing_a_tree_stays_inside_it() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    std::fs::create_dir_all(at("outside")).unwrap();
    std::fs::write(at("outside/precious"), "").unwrap();
    std::fs::create_dir_all(at("tree/sub/locked")).unwrap();
    std::fs::write(at("tree/sub/locked/file"), "").unwrap();
    std::os::unix::fs::symlink(at("outside"), at("tree/link")).unwrap();
    std::fs::set_permissions(at("tree/sub/locked"), std::fs::Permissions::from_mode(0o500)).unwrap();
    remove_tree(&at("tree")).unwrap();
    assert!(!at("tree").exists());
    assert!(at("outside/precious").exists());

    std::os::unix::fs::symlink(at("outside"), at("link")).unwrap();
    remove_tree(&at("link")).unwrap();
    assert!(at("outside/precious").exists());
    remove_tree(&at("outside/precious")).unwrap();
    remove_tree(&at("outside/precious")).expect("what is gone already is no error");
}

#[test]
fn a_folder_can_be_synced_and_a_missing_one_is_named() {
    let root = tempfile::tempdir().unwrap();
    sync_folder(root.path()).unwrap();
    let error = sync_folder(&root.path().join("gone")).unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("gone"), "{error}");
}
