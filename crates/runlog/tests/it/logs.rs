use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use buildbook_layout::LayerName;
use buildbook_runlog::{Error, Result, Run};

use crate::{empty, names, package, start};

type AddLog = fn(&Run, &Path) -> Result<bool>;

/// Every way to add a log, with where it goes.
fn ways() -> [(AddLog, &'static str); 6] {
    fn layer() -> LayerName {
        "doc-0123456789ab".parse().unwrap()
    }
    [
        (|run, source| run.add_build_log(&package("a.1"), source), "build/a.1.log"),
        (|run, source| run.link_build_log(&package("a.1"), source), "build/a.1.log"),
        (|run, source| run.add_doc_log(&package("a.1"), source), "docs/a.1.log"),
        (|run, source| run.link_doc_log(&package("a.1"), source), "docs/a.1.log"),
        (
            |run, source| run.add_doc_log_of_layer(&package("a.1"), source, &layer()),
            "docs/a.1.doc-0123456789ab.log",
        ),
        (
            |run, source| run.link_doc_log_of_layer(&package("a.1"), source, &layer()),
            "docs/a.1.doc-0123456789ab.log",
        ),
    ]
}

/// A fresh run, a folder for sources, and where the log of the way goes.
fn each_way(check: impl Fn(&Run, AddLog, &Path, PathBuf)) {
    for (add, place) in ways() {
        let (folder, log) = empty();
        let run = log.start_run(start()).unwrap();
        let kept = run.run_dir().join(place);
        check(&run, add, folder.path(), kept);
    }
}

#[test]
fn a_log_is_kept_with_the_run_and_outlives_its_layer() {
    each_way(|run, add, folder, kept| {
        let layer = folder.join("build-0123456789ab");
        std::fs::create_dir(&layer).unwrap();
        std::fs::write(layer.join("layer.log"), b"text, not all of it UTF-8: \xff\n").unwrap();
        assert!(add(run, &layer.join("layer.log")).unwrap());
        std::fs::remove_dir_all(&layer).unwrap();
        assert_eq!(std::fs::read(&kept).unwrap(), b"text, not all of it UTF-8: \xff\n");
        assert!(std::fs::symlink_metadata(&kept).unwrap().is_file());
        assert_eq!(names(kept.parent().unwrap()).len(), 1, "nothing temporary stays");
    });
}

#[test]
fn a_second_log_of_a_package_replaces_the_first_and_leaves_both_sources_alone() {
    each_way(|run, add, folder, kept| {
        let (one, two) = (folder.join("one"), folder.join("two"));
        std::fs::write(&one, "ONE").unwrap();
        std::fs::write(&two, "TWO").unwrap();
        for source in [&one, &two, &two, &one, &two] {
            assert!(add(run, source).unwrap());
            assert_eq!(std::fs::read(&kept).unwrap(), std::fs::read(source).unwrap());
        }
        assert_eq!(std::fs::read(&one).unwrap(), b"ONE");
        assert_eq!(std::fs::read(&two).unwrap(), b"TWO");
    });
}

#[test]
fn a_log_that_is_a_link_is_replaced_and_not_written_through() {
    each_way(|run, add, folder, kept| {
        let (precious, source) = (folder.join("precious"), folder.join("source"));
        std::fs::write(&precious, "precious").unwrap();
        std::fs::write(&source, "new").unwrap();
        symlink(&precious, &kept).unwrap();
        assert!(add(run, &source).unwrap());
        assert_eq!(std::fs::read(&precious).unwrap(), b"precious");
        assert!(std::fs::symlink_metadata(&kept).unwrap().is_file());
        assert_eq!(std::fs::read(&kept).unwrap(), b"new");
    });
}

#[test]
fn a_log_that_is_missing_is_no_error_and_leaves_what_is_there() {
    each_way(|run, add, folder, kept| {
        assert!(!add(run, &folder.join("missing")).unwrap());
        assert!(!kept.exists());
        std::fs::write(folder.join("source"), "text").unwrap();
        assert!(add(run, &folder.join("source")).unwrap());
        assert!(!add(run, &folder.join("missing")).unwrap());
        assert_eq!(std::fs::read(&kept).unwrap(), b"text");
    });
}

#[test]
fn what_is_not_a_regular_file_is_refused_and_does_not_block() {
    each_way(|run, add, folder, kept| {
        std::fs::write(folder.join("file"), "text").unwrap();
        let (link, fifo) = (folder.join("link"), folder.join("fifo"));
        symlink(folder.join("file"), &link).unwrap();
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for source in [&link, &fifo, &folder.to_owned(), &PathBuf::from("/dev/null")] {
            let error = add(run, source).unwrap_err();
            assert!(
                matches!(&error, Error::File(buildbook_fsio::Error::NotAFile { path, .. }) if path == source),
                "{error:?}"
            );
        }
        assert!(!kept.exists());
    });
}

#[test]
fn a_log_that_cannot_be_kept_is_an_error() {
    each_way(|run, add, folder, kept| {
        std::fs::write(folder.join("source"), "text").unwrap();
        std::fs::remove_dir_all(kept.parent().unwrap()).unwrap();
        let error = add(run, &folder.join("source")).unwrap_err();
        assert!(matches!(error, Error::Replace(_)), "{error:?}");
    });
}

#[test]
fn a_copy_does_not_change_with_its_source_and_a_link_takes_no_space() {
    let (folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    let source = folder.path().join("source");
    std::fs::write(&source, "first").unwrap();
    assert!(run.add_build_log(&package("copied.1"), &source).unwrap());
    assert!(run.link_build_log(&package("linked.1"), &source).unwrap());

    let (copied, linked) =
        (run.tree().build_log(&package("copied.1")), run.tree().build_log(&package("linked.1")));
    let inode = |path: &Path| std::fs::metadata(path).unwrap().ino();
    assert_ne!(inode(&copied), inode(&source));
    assert_eq!(inode(&linked), inode(&source));
    assert!(run.link_build_log(&package("linked.1"), &source).unwrap());
    assert_eq!(inode(&linked), inode(&source), "linking again changes nothing");

    std::fs::write(&source, "built again").unwrap();
    assert_eq!(std::fs::read(&copied).unwrap(), b"first");
}

#[test]
fn a_link_that_the_system_refuses_becomes_a_copy() {
    let (folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    let source = folder.path().join("source");
    std::fs::write(&source, "text").unwrap();
    let fault = buildbook_fsio::faults::Fault::Fail(nix::libc::EXDEV);
    let kept = buildbook_fsio::faults::inject(0, fault, || run.link_build_log(&package("a.1"), &source));
    assert!(kept.unwrap());
    let log = run.tree().build_log(&package("a.1"));
    assert_eq!(std::fs::read(&log).unwrap(), b"text");
    assert_ne!(std::fs::metadata(&log).unwrap().ino(), std::fs::metadata(&source).unwrap().ino());
}

#[test]
fn the_log_of_a_run_may_be_its_own_source() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    let place = run.tree().build_log(&package("a.1"));
    std::fs::write(&place, "written in place").unwrap();
    assert!(run.add_build_log(&package("a.1"), &place).unwrap());
    assert!(run.link_build_log(&package("a.1"), &place).unwrap());
    assert_eq!(std::fs::read(&place).unwrap(), b"written in place");
}

#[test]
fn no_package_name_leads_out_of_the_run() {
    for name in ["../a.1", "a/b.1", "/etc/passwd.1", "..", "a\0.1"] {
        assert!(name.parse::<buildbook_layout::PackageId>().is_err(), "{name:?}");
    }
}
