//! What the original answered.

use buildbook_batch_util::{Status, category, classify_build_log};

/// Logs of the original's own table and the category it gives them. Nothing had to change.
const ORIGINAL: [(&str, &str); 15] = [
    ("", category::BUILD_FAILURE),
    ("No space left on device", category::TRANSIENT_FAILURE),
    ("no SPACE left ON device", category::TRANSIENT_FAILURE),
    ("Connection timed out", category::TRANSIENT_FAILURE),
    ("Could not resolve host: x", category::TRANSIENT_FAILURE),
    ("Temporary failure in name resolution", category::TRANSIENT_FAILURE),
    ("Network is unreachable", category::TRANSIENT_FAILURE),
    ("E: Unable to locate package libfoo", category::DEPEXT_UNAVAILABLE),
    ("libfoo is not available", category::DEPEXT_UNAVAILABLE),
    ("unmet dependencies", category::DEPEXT_UNAVAILABLE),
    ("dpkg: dependency problems prevent", category::DEPEXT_UNAVAILABLE),
    ("unmet dependencies\nConnection timed out", category::TRANSIENT_FAILURE),
    ("Error: Unbound value f", category::BUILD_FAILURE),
    ("is  not available", category::BUILD_FAILURE),
    ("is not\navailable", category::BUILD_FAILURE),
];

#[test]
fn every_log_of_the_original_keeps_its_category() {
    for (log, expected) in ORIGINAL {
        let verdict = classify_build_log(log);
        assert_eq!(
            (verdict.status, verdict.category.as_str()),
            (Status::Failure, expected),
            "{log:?}: {verdict:?}"
        );
    }
}

#[test]
fn an_empty_log_is_a_failure_without_evidence() {
    let verdict = classify_build_log("");
    assert_eq!((verdict.rule, verdict.line, verdict.causes), (None, None, vec![]));
}
