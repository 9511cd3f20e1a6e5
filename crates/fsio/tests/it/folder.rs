use buildbook_fsio::{create_folders, sync_folder};

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
fn a_folder_can_be_synced_and_a_missing_one_is_named() {
    let root = tempfile::tempdir().unwrap();
    sync_folder(root.path()).unwrap();
    let error = sync_folder(&root.path().join("gone")).unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("gone"), "{error}");
}
