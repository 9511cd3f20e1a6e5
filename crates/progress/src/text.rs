//! The text of a snapshot, made as fast as it can be written.

use serde::Serialize;

use crate::Progress;

/// What stands where the targets go: nothing else in the text can be at the start of a line.
const NO_TARGETS: &[u8] = b"\n  \"targets\": []";

/// The text of a snapshot, as `serde_json` spells it over several lines.
///
/// Targets are nearly all of it, they are written again with every snapshot, and hardly one ever has a character that
/// needs an escape. So they are looked at as a whole each, and copied.
pub(crate) fn text(progress: &Progress) -> Vec<u8> {
    let rest = pretty(&progress.without_targets());
    let place = rest.windows(NO_TARGETS.len()).position(|window| window == NO_TARGETS);
    let parts = place.and_then(|at| rest.split_at_checked(at + NO_TARGETS.len() - 1));
    match parts {
        Some((before, after)) if !progress.targets.is_empty() => {
            let targets: usize = progress.targets.iter().map(|target| target.len() + AROUND_A_TARGET).sum();
            let mut text = Vec::with_capacity(rest.len() + targets + AROUND_A_TARGET);
            text.extend_from_slice(before);
            for (number, target) in progress.targets.iter().enumerate() {
                text.extend_from_slice(if number == 0 { b"\n    " } else { b",\n    " });
                quote(target, &mut text);
            }
            text.extend_from_slice(b"\n  ");
            text.extend_from_slice(after);
            text
        }
        _ => pretty(progress),
    }
}

/// A comma, a line feed, four blanks and two quotes.
const AROUND_A_TARGET: usize = 8;

fn quote(target: &str, text: &mut Vec<u8>) {
    // Without an early end, so that the processor looks at many bytes at once.
    let needs_escape = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    if target.bytes().fold(false, |found, byte| found | needs_escape(byte)) {
        text.extend(serde_json::to_vec(target).expect("a text has a JSON form, and memory takes it"));
    } else {
        text.push(b'"');
        text.extend_from_slice(target.as_bytes());
        text.push(b'"');
    }
}

fn pretty(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("words, numbers and lists of words have a JSON form")
}

#[cfg(test)]
mod tests {
    use buildbook_layout::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::Phase;

    proptest! {
        #[test]
        fn it_is_what_the_definition_of_the_record_gives(
            targets in prop::collection::vec(prop_oneof![any::<String>(), "[a-z]{1,9}\\.[0-9.]{1,5}"], 0..20),
            start in prop_oneof![any::<String>(), Just("\n  \"targets\": []".to_owned())],
            phase in prop_oneof![Just("building".to_owned()), any::<String>()],
            sequence in 0..3_u64,
            failed in prop::option::of(any::<u64>()),
        ) {
            let mut progress = Progress::create("2026-03-09-125444".parse().unwrap(), start, targets)
                .set_phase(Phase::from(phase));
            progress.sequence = sequence;
            progress.build_failed = failed;
            progress.heartbeat = failed.and_then(|_| Timestamp::from_unix(1_773_060_884));
            prop_assert_eq!(text(&progress), serde_json::to_vec_pretty(&progress).unwrap());
        }
    }
}
