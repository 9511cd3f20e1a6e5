//! Lines read from either end, and appended to.

use buildbook::fsio::{Durability, Line, Lines, LinesFromEnd, append_lines};

use super::{file, lines_of, scratch};

/// From either end the same lines are read, those that are there, and an append adds its own and no more.
///
/// The first two bytes say how many bytes are put in the middle, so that lines cross the ends of blocks.
///
/// # Panics
///
/// If it does not hold.
pub fn check_lines(bytes: &[u8]) {
    let [high, low, rest @ ..] = bytes else { return };
    let (head, tail) = rest.split_at(rest.len() / 2);
    let padding = usize::from(u16::from_be_bytes([*high, *low])) * 3;
    let contents = [head, &vec![b'.'; padding], tail].concat();
    let folder = scratch();
    let path = file(folder.path().join("lines"), &contents);

    let forwards: Vec<Line> = Lines::open(&path).unwrap().unwrap().map(Result::unwrap).collect();
    let mut backwards: Vec<Line> = LinesFromEnd::open(&path).unwrap().unwrap().map(Result::unwrap).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
    let found: Vec<&[u8]> = forwards.iter().map(|line| &line.bytes[..]).collect();
    assert_eq!(found, lines_of(&contents));
    let mut offset = 0;
    for line in &forwards {
        assert_eq!((line.offset, line.length), (offset, line.bytes.len() as u64));
        offset += line.length + u64::from(line.ended);
    }
    assert_eq!(offset, contents.len() as u64);

    let torn = !contents.is_empty() && !contents.ends_with(b"\n");
    let appended = append_lines(&path, b"new\n", Durability::Cached).unwrap();
    assert_eq!(appended.repaired, torn);
    let end: &[u8] = if torn { b"\nnew\n" } else { b"new\n" };
    assert_eq!(std::fs::read(&path).unwrap(), [&contents, end].concat());
}
