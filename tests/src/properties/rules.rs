//! Logs of any bytes.

use buildbook::batch_util::{
    Exit, Scan, Status, TEXT_LIMIT, classify_build, contains_substring_ci, extract_compiler_from_deps,
    fingerprint,
};

/// How a log is cut into pieces does not matter, what is shown of it is short, and an exit of 0 is a success.
///
/// The first two bytes choose the exit and the size of the pieces.
///
/// # Panics
///
/// If it does not hold.
pub fn check_rules(bytes: &[u8]) {
    let [exit, size, log @ ..] = bytes else { return };
    let exit = match exit % 6 {
        0 => Exit::Success,
        1 => Exit::Code(i32::from(*exit)),
        2 => Exit::Signal(i32::from(*exit) / 6),
        3 => Exit::TimedOut,
        4 => Exit::Code(1),
        _ => Exit::Unknown,
    };
    let size = 1 + usize::from(*size) % 97;
    let verdict = classify_build(log, exit);
    let mut scan = Scan::new();
    log.chunks(size).for_each(|piece| scan.feed(piece));
    assert_eq!(scan.finish(exit), verdict, "in pieces of {size}");
    if exit == Exit::Success {
        assert_eq!((verdict.status, verdict.message()), (Status::Success, None));
    }
    for line in verdict.causes.iter().map(|cause| &cause.line).chain(&verdict.line) {
        assert!(line.text.len() <= TEXT_LIMIT, "{} bytes", line.text.len());
        assert!(line.offset <= log.len() as u64 && line.number >= 1);
    }
    // Long lines are looked at in pieces of some kilobytes.
    let long = log.repeat(1 + 20_000 / log.len().max(1));
    let whole = classify_build(&long, exit);
    let mut scan = Scan::new();
    long.chunks(size * 113).for_each(|piece| scan.feed(piece));
    assert_eq!(scan.finish(exit), whole, "in pieces of {}", size * 113);

    substring(log);
    let text = String::from_utf8_lossy(log);
    let print = fingerprint(&text);
    assert!(print.len() <= text.len() * 4 + 100);
    if let Ok(value) = serde_json::from_slice(log) {
        let _ = extract_compiler_from_deps(&value);
    }
}

fn substring(log: &[u8]) {
    let (pattern, text) = log.split_at(log.len().min(3));
    let expected =
        pattern.is_empty() || text.windows(pattern.len()).any(|part| part.eq_ignore_ascii_case(pattern));
    assert_eq!(contains_substring_ci(pattern, text), expected);
}
