//! Logs that are not what a log should be.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use buildbook_batch_util::{Exit, Scan, TEXT_LIMIT, category, classify_build_log, classify_reader};

#[test]
fn invalid_utf8_does_not_hide_the_cause() {
    let verdict = classify_build_log(b"\xff\xfe\x00caf\xe9\n\xc3tee: \xffx: No space left on device\n");
    assert_eq!(verdict.category, category::TRANSIENT_FAILURE);
    assert_eq!(verdict.message(), Some("\u{fffd}tee: \u{fffd}x: No space left on device"));
}

#[test]
fn utf16_and_binary_logs_are_read_to_the_end() {
    let utf16: Vec<u8> =
        "error: No space left on device\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(classify_build_log(&utf16).category, category::BUILD_FAILURE);
    let binary: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    assert_eq!(classify_build_log(&binary).category, category::BUILD_FAILURE);
    assert_eq!(classify_build_log(vec![0; 100_000]).message(), None);
}

#[test]
fn colours_and_progress_lines_are_seen_through() {
    let log = "Downloading 10%\rDownloading 90%\r\x1b[1m\x1b[31merror\x1b[0m\x1b[1m: boom\x1b[0m\r\nnext\n";
    let verdict = classify_build_log(log);
    let line = verdict.line.unwrap();
    assert_eq!((line.text.as_str(), line.number, line.offset), ("error: boom", 1, 32));
    assert_eq!(verdict.rule.as_deref(), Some("error"));
}

#[test]
fn a_line_is_shown_within_the_limit_and_around_the_words() {
    let log = format!("{}: No space left on device{}", "a".repeat(3000), "b".repeat(3000));
    let text = classify_build_log(&log).line.unwrap().text;
    assert!(text.contains("No space left on device") && text.len() <= TEXT_LIMIT, "{text}");
}

#[test]
fn words_across_the_pieces_of_a_long_line_are_found_once() {
    for at in (8_000..10_000).step_by(7) {
        let log = format!("{}: No space left on device{}\nend\n", "a".repeat(at), "b".repeat(20_000));
        let verdict = classify_build_log(&log);
        assert_eq!(verdict.rule.as_deref(), Some("disk-full"), "at {at}");
        assert_eq!(
            verdict.causes.first().map(|cause| (cause.lines, cause.line.number)),
            Some((1, 1)),
            "at {at}"
        );
    }
}

#[test]
fn the_inside_of_a_long_line_is_not_taken_for_a_start() {
    for words in ["error: x", "Killed", "No space left on device", "libfoo is not available"] {
        for at in 8_170..8_200 {
            let line = format!("{} {words}", "b".repeat(at));
            let behind = format!("{line} {}", "b".repeat(20_000));
            for log in [line.clone(), format!("{line}\n"), behind.clone(), format!("{behind}\nend\n")] {
                assert_eq!(classify_build_log(&log).rule, None, "{words} at {at}");
                let mut scan = Scan::new();
                log.as_bytes().chunks(5_000).for_each(|chunk| scan.feed(chunk));
                assert_eq!(scan.finish(Exit::Unknown).rule, None, "{words} at {at} in chunks");
            }
        }
    }
}

#[test]
fn a_line_made_of_nothing_but_words_of_rules_costs_no_more_than_its_length() {
    let log = "No space left on device error: is not available Failed to fetch ".repeat(15_000);
    let started = Instant::now();
    let verdict = classify_build_log(&log);
    assert_eq!(verdict.rule.as_deref(), Some("disk-full"));
    // About a megabyte, done in a second or two; work that grows with the square of the line would
    // take hours.
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

/// Gives `left` bytes of one line without end, a few at a time.
struct Endless {
    left: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.left).min(50_000);
        buffer.iter_mut().take(count).for_each(|byte| *byte = b'x');
        self.left -= count;
        Ok(count)
    }
}

#[test]
fn one_line_without_end_is_read_and_keeps_its_number() {
    let log = Endless { left: 20_000_000 }.chain(&b"\ntee: x: Disk quota exceeded"[..]);
    let line = classify_reader(log, Exit::Code(1)).unwrap().line.unwrap();
    assert_eq!((line.number, line.offset), (2, 20_000_001));
}

#[test]
fn a_readers_error_is_passed_on_and_an_interruption_is_not() {
    struct Faulty(u8);
    impl Read for Faulty {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            let kind = if self.0 < 3 { io::ErrorKind::Interrupted } else { io::ErrorKind::TimedOut };
            Err(kind.into())
        }
    }
    assert_eq!(classify_reader(Faulty(0), Exit::Unknown).unwrap_err().kind(), io::ErrorKind::TimedOut);
}

#[test]
fn a_log_can_be_copied_into_a_scan() {
    let mut scan = Scan::new();
    io::copy(&mut &b"E: Unable to locate package x\n"[..], &mut scan).unwrap();
    assert_eq!(scan.finish(Exit::Code(100)).category, category::DEPEXT_UNAVAILABLE);
}
