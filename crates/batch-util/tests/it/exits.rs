//! How the process ended comes before what its log says.

use buildbook_batch_util::{Exit, Status, Verdict, category, classify_build, classify_build_log};

fn decided(log: &str, exit: Exit) -> (String, Option<String>, Option<String>) {
    let Verdict { category, rule, line, .. } = classify_build(log, exit);
    (category, rule, line.map(|line| line.text))
}

fn expect(
    category: &str,
    rule: Option<&str>,
    text: Option<&str>,
) -> (String, Option<String>, Option<String>) {
    (category.to_owned(), rule.map(str::to_owned), text.map(str::to_owned))
}

#[test]
fn a_successful_exit_is_a_success_whatever_the_log_says() {
    for exit in [Exit::Success, Exit::Code(0)] {
        let verdict = classify_build("error: No space left on device\n", exit);
        assert_eq!((verdict.status, verdict.category.as_str()), (Status::Success, category::SUCCESS));
        assert_eq!((verdict.message(), verdict.causes.len()), (None, 0));
    }
}

#[test]
fn a_failing_exit_is_a_failure_though_the_log_ends_well() {
    assert_eq!(
        decided("compiling\nDone.\n\n", Exit::Code(1)),
        expect(category::BUILD_FAILURE, None, Some("Done."))
    );
}

#[test]
fn a_timeout_shows_what_was_going_on() {
    assert_eq!(
        decided("error: something\ntest slow has been running for over 60 seconds\n", Exit::TimedOut),
        expect(
            category::TIMEOUT_FAILURE,
            Some("exit-timeout"),
            Some("test slow has been running for over 60 seconds")
        )
    );
    assert_eq!(decided("", Exit::TimedOut), expect(category::TIMEOUT_FAILURE, Some("exit-timeout"), None));
}

#[test]
fn the_last_line_is_the_last_that_is_not_blank_and_knows_its_place() {
    for (log, number, offset) in [
        ("one\r\ntwo\r\n\r\n", 2, 5),
        ("one\n10%\r20%\r \r\n", 2, 8),
        ("one", 1, 0),
        ("\n\n  one  \n\n\n", 3, 2),
    ] {
        let line = classify_build(log, Exit::TimedOut).line.unwrap();
        assert_eq!((line.number, line.offset), (number, offset), "{log:?}");
    }
    let long = classify_build(format!("first\n{}end", "x".repeat(50_000)), Exit::TimedOut).line.unwrap();
    assert!(long.text.ends_with("end") && long.number == 2, "{long:?}");
}

#[test]
fn a_build_ended_from_outside_is_transient_and_the_log_may_say_why() {
    let log = "error: odd\ncc -c big.c";
    for exit in [Exit::Signal(9), Exit::Code(137)] {
        assert_eq!(
            decided(log, exit),
            expect(category::TRANSIENT_FAILURE, Some("exit-killed"), Some("cc -c big.c"))
        );
    }
    assert_eq!(
        decided(log, Exit::Signal(15)),
        expect(category::TRANSIENT_FAILURE, Some("exit-interrupted"), Some("cc -c big.c"))
    );
    assert_eq!(
        decided("LLVM ERROR: out of memory\nlast words\n", Exit::Signal(9)),
        expect(category::TRANSIENT_FAILURE, Some("memory-exhausted"), Some("LLVM ERROR: out of memory"))
    );
}

#[test]
fn a_crash_is_explained_by_the_log_or_stands_for_itself() {
    assert_eq!(
        decided("starting\n", Exit::Signal(11)),
        expect(category::BUILD_FAILURE, Some("exit-crashed"), Some("starting"))
    );
    assert_eq!(
        decided("tee: x: No space left on device\n", Exit::Signal(6)),
        expect(category::TRANSIENT_FAILURE, Some("disk-full"), Some("tee: x: No space left on device"))
    );
}

#[test]
fn status_127_confirms_the_missing_program() {
    let log = "sh: 1: zzar: not found\n";
    assert_eq!(
        decided(log, Exit::Code(127)),
        expect(category::DEPEXT_UNAVAILABLE, Some("missing-program"), Some("sh: 1: zzar: not found"))
    );
    assert_eq!(decided(log, Exit::Code(1)).0, category::BUILD_FAILURE);
}

#[test]
fn all_explanations_are_kept_with_their_lines_best_first() {
    let verdict = classify_build_log(
        "a.c:1:1: error: unknown type\nE: Unable to locate package a\nE: Unable to locate package b\nmake: *** [all] Error 1\n",
    );
    let causes: Vec<_> = verdict
        .causes
        .iter()
        .map(|cause| (cause.rule.as_str(), cause.line.number, cause.line.offset, cause.lines))
        .collect();
    assert_eq!(causes, [("apt-unknown-package", 2, 29, 2), ("error", 1, 0, 1), ("make-failed", 4, 89, 1)]);
    assert_eq!(verdict.message(), Some("E: Unable to locate package a"));
}

#[cfg(unix)]
#[test]
fn an_exit_is_taken_from_the_process() {
    let exit =
        |script: &str| Exit::from(std::process::Command::new("sh").args(["-c", script]).status().unwrap());
    assert_eq!(exit("exit 0"), Exit::Success);
    assert_eq!(exit("exit 3"), Exit::Code(3));
    assert_eq!(exit("kill -9 $$"), Exit::Signal(9));
}

#[test]
fn a_verdict_survives_json() {
    let verdict = classify_build_log("E: Unable to locate package caf\u{e9}\n");
    let json = serde_json::to_string(&verdict).unwrap();
    assert_eq!(serde_json::from_str::<Verdict>(&json).unwrap(), verdict);
    assert!(json.starts_with(r#"{"status":"failure","category":"depext_unavailable","rule":"apt-unknown-package","line":{"number":1,"#));
    let success = serde_json::to_value(classify_build("", Exit::Success)).unwrap();
    assert_eq!(
        success,
        serde_json::json!({"status": "success", "category": "success", "causes": [], "rules_version": buildbook_batch_util::RULES_VERSION})
    );
}
