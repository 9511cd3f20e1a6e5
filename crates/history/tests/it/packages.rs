use std::os::unix::ffi::OsStrExt as _;

use buildbook_history::Error;

use crate::{World, entry};

#[test]
fn packages_are_listed_in_order_and_everything_else_is_told_apart() {
    let world = World::new();
    for name in ["zed.1", "astring.0.8.5", "dune-kit.3.1.4~beta2+x", "a.1"] {
        world.history.append(&name.parse().unwrap(), &entry("x")).unwrap();
    }
    let packages = world.history.tree().path();
    std::fs::create_dir(packages.join("kelp.1")).unwrap();
    std::fs::write(packages.join("README"), "").unwrap();
    std::fs::create_dir(packages.join(".kelp.1.new-bb0123456789")).unwrap();
    std::os::unix::fs::symlink("kelp.1", packages.join("linked.1")).unwrap();
    std::os::unix::fs::symlink("nowhere", packages.join("dangling.1")).unwrap();
    std::fs::create_dir(packages.join("bad.")).unwrap();
    std::fs::create_dir(packages.join(std::ffi::OsStr::from_bytes(b"latin-\xe9.1"))).unwrap();

    let found = world.history.packages().unwrap();
    let names: Vec<&str> = found.packages.iter().map(|package| package.as_str()).collect();
    assert_eq!(names, ["a.1", "astring.0.8.5", "dune-kit.3.1.4~beta2+x", "kelp.1", "linked.1", "zed.1"]);
    let problems: Vec<_> = found.problems.iter().map(|problem| problem.path().file_name().unwrap()).collect();
    assert_eq!(problems, [&b"bad."[..], b"dangling.1", b"latin-\xe9.1"].map(std::ffi::OsStr::from_bytes));
    assert!(matches!(found.problems[0], Error::Name { .. }));
    // It is perhaps on a disk that is not mounted.
    assert!(matches!(found.problems[1], Error::LeadsNowhere { .. }));
}

#[test]
fn histories_on_a_disk_that_is_not_mounted_are_not_taken_for_none() {
    let world = World::new();
    std::os::unix::fs::symlink("nowhere", world.history.tree().path()).unwrap();
    for error in [world.history.packages().unwrap_err(), world.history.open_folder().unwrap_err()] {
        assert!(matches!(error, Error::LeadsNowhere { .. }), "{error}");
    }
}

#[test]
fn without_the_folder_there_are_no_packages() {
    let world = World::new();
    assert!(world.history.packages().unwrap().packages.is_empty());
    std::fs::write(world.history.tree().path(), "a file").unwrap();
    let error = world.history.packages().unwrap_err();
    assert!(matches!(error, Error::List { .. }), "{error}");
    assert_eq!(error.kind(), Some(std::io::ErrorKind::NotADirectory));
}

/// Names that would leave the package's folder cannot be made into a package at all.
#[test]
fn a_name_that_leads_elsewhere_is_no_package() {
    for name in ["", "..", ".", "a/b", "../../etc/passwd", "a\0b", ".hidden"] {
        assert!(name.parse::<buildbook_layout::PackageId>().is_err(), "{name:?}");
    }
}
