use std::path::Path;

use buildbook_fsio::{Error, Line, Lines, LinesFromEnd, MAX_LINE_BYTES, open_with_metadata, read_file};
use proptest::prelude::*;

fn forward(path: &Path) -> Vec<Line> {
    Lines::open(path).unwrap().unwrap().map(Result::unwrap).collect()
}

fn backward(path: &Path) -> Vec<Line> {
    let mut lines: Vec<Line> = LinesFromEnd::open(path).unwrap().unwrap().map(Result::unwrap).collect();
    lines.reverse();
    lines
}

#[test]
fn both_directions_agree_on_every_shape_of_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    // Lines around the size of the block that is read at once, and files that begin or end oddly.
    let near = |n: i64| "x".repeat(usize::try_from(65_536 + n).unwrap());
    let table = [
        String::new(),
        "\n".into(),
        "\n\n".into(),
        "a".into(),
        "a\n".into(),
        "\na".into(),
        near(0),
        near(-1) + "\n",
        near(0) + "\n" + &near(1) + "\n",
        near(-1) + "\n" + &near(-2) + "\nlast",
        "short\n".to_owned() + &near(70_000) + "\nshort",
    ];
    for text in table {
        std::fs::write(&path, &text).unwrap();
        let expected: Vec<&str> = text.split_inclusive('\n').collect();
        let lines = forward(&path);
        assert_eq!(lines.len(), expected.len());
        for (line, expected) in lines.iter().zip(expected) {
            assert_eq!(line.bytes, expected.trim_end_matches('\n').as_bytes());
            assert_eq!(line.ended, expected.ends_with('\n'));
        }
        assert_eq!(lines, backward(&path));
    }
}

#[test]
fn a_line_of_any_length_takes_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let file = std::fs::File::create(&path).unwrap();
    let length = MAX_LINE_BYTES as u64 * 5;
    file.set_len(length).unwrap();
    buildbook_fsio::append_lines(&path, b"good\n", buildbook_fsio::Durability::Cached).unwrap();
    for lines in [forward(&path), backward(&path)] {
        let [long, good] = lines.as_slice() else { panic!("{} lines", lines.len()) };
        assert!(long.is_too_long() && long.bytes.is_empty());
        assert_eq!(long.length, length);
        assert_eq!((good.bytes.as_slice(), good.offset), (&b"good"[..], length + 1));
    }
}

#[test]
fn what_is_missing_or_no_file_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    assert!(Lines::open(&path).unwrap().is_none());
    assert!(LinesFromEnd::open(&path).unwrap().is_none());
    assert_eq!(read_file(&path, 3).unwrap(), None);
    assert!(matches!(Lines::open(folder.path()), Err(Error::NotAFile { .. })));
    std::fs::write(&path, "four").unwrap();
    assert!(matches!(read_file(&path, 3), Err(Error::TooLarge { size: 4, limit: 3, .. })));
    std::fs::write(&path, [0; 1000]).unwrap();
    assert!(
        matches!(read_file(&path, 3), Err(Error::TooLarge { size: 1000, limit: 3, .. })),
        "the true size"
    );
    std::fs::write(&path, "four").unwrap();
    assert_eq!(read_file(&path, 4).unwrap().as_deref(), Some(&b"four"[..]));
    std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
    assert!(matches!(read_file(&folder.path().join("link"), 9), Err(Error::NotAFile { .. })));
}

#[test]
fn lines_from_the_end_survive_a_file_that_shrinks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let text = ("x".repeat(50_000) + "\n").repeat(4);
    for kept in [0, 1, 50_001, 80_000, 120_000] {
        std::fs::write(&path, &text).unwrap();
        let mut lines = LinesFromEnd::open(&path).unwrap().unwrap();
        assert!(lines.next().unwrap().unwrap().ended);
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(kept).unwrap();
        for line in lines.map(Result::unwrap) {
            assert_eq!(line.bytes.len() as u64, line.length, "cut to {kept}");
            assert!(!line.ended || line.length == 50_000, "cut to {kept}: a part passes for a line");
        }
    }
}

#[test]
fn one_value_reads_file_after_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let long = "x".repeat(200_000);
    let files = [
        (write("one", "a\nb"), vec!["a", "b"]),
        (write("long", &format!("{long}\nend\n")), vec![&long, "end"]),
        (write("empty", ""), vec![]),
        (write("two", "c\n"), vec!["c"]),
    ];
    let mut lines = Lines::new();
    assert_eq!(lines.next_line().unwrap(), None, "there is no file yet");
    for stop_early in [false, true] {
        for (path, expected) in &files {
            assert!(lines.reopen(path).unwrap());
            let mut offset = 0;
            for (index, text) in expected.iter().enumerate().skip(usize::from(stop_early)) {
                let line = lines.next_line().unwrap().unwrap();
                if !stop_early {
                    assert_eq!((line.offset, line.bytes), (offset, text.as_bytes()), "line {index}");
                }
                offset = line.end();
            }
            if !stop_early {
                assert_eq!(lines.next_line().unwrap(), None);
                assert_eq!(offset, std::fs::metadata(path).unwrap().len());
            }
        }
    }
    assert!(!lines.reopen(&folder.path().join("missing")).unwrap());
    assert_eq!(lines.next_line().unwrap(), None);
}

#[test]
fn reading_goes_on_in_an_open_file_where_a_line_begins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "first\nsecond\nthird").unwrap();
    let (file, metadata) = open_with_metadata(&path).unwrap().unwrap();
    let mut lines = Lines::new();
    lines.read_on(&path, file, metadata.len(), 6);
    let rest: Vec<_> = lines.map(Result::unwrap).map(|line| (line.offset, line.bytes, line.ended)).collect();
    assert_eq!(rest, [(6, b"second".to_vec(), true), (13, b"third".to_vec(), false)]);
}

#[test]
fn a_file_of_the_size_that_it_was_opened_with_is_read_to_its_end() {
    // Files of /proc say that they have no bytes; one read then need not be all.
    let status = std::path::Path::new("/proc/self/status");
    if status.exists() {
        let lines = forward(status);
        assert!(lines.iter().any(|line| line.bytes.starts_with(b"Pid:")), "{} lines", lines.len());
    }
    // One that grows after it was opened is read at least up to where it ended then.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "one\n").unwrap();
    let lines = Lines::open(&path).unwrap().unwrap();
    buildbook_fsio::append_lines(&path, b"two\n", buildbook_fsio::Durability::Cached).unwrap();
    let lines: Vec<Line> = lines.map(Result::unwrap).collect();
    assert_eq!(lines.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn lines_are_the_bytes_between_line_feeds(
        pieces in prop::collection::vec(prop_oneof![Just(0usize), 0..20usize, 65_500..65_600usize], 0..8),
        ended: bool,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut text = pieces.iter().map(|n| "y".repeat(*n)).collect::<Vec<_>>().join("\n");
        if ended { text.push('\n'); }
        std::fs::write(&path, &text).unwrap();
        let lines = forward(&path);
        let mut rebuilt = Vec::new();
        for line in &lines {
            prop_assert_eq!(line.offset, rebuilt.len() as u64);
            rebuilt.extend_from_slice(&line.bytes);
            if line.ended { rebuilt.push(b'\n'); }
        }
        prop_assert_eq!(rebuilt, text.into_bytes());
        prop_assert_eq!(lines, backward(&path));
    }
}
