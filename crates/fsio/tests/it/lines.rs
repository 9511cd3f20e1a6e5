use std::path::Path;

use buildbook_fsio::{Error, Line, Lines, LinesFromEnd, MAX_LINE_BYTES, read_file};
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
