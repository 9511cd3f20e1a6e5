//! Words that stand in a log without meaning what they say.

use buildbook_batch_util::{category, classify_build_log};

const ORDINARY: [&str; 20] = [
    "W: Failed to fetch http://mirror.example/InRelease  503  Busy\na.c:1:20: error: 'zz' undeclared\n",
    "fetch: Connection timed out, retrying in 2 s\nError: Unbound value f\n",
    "checking whether <sys/epoll.h> is not available... no\na.c:1:20: error: 'zz' undeclared\n",
    "colour support is not available on this terminal\nmake: *** [Makefile:4: all] Error 1\n",
    "Fatal error: exception Failure(\"fork is not available on this platform\")\n",
    "Error: Unix.fork is not available on this platform\n",
    "  \"Connection timed out\" ... ok\ntest result: FAILED. 1 passed; 1 failed\n",
    "test fs::no_space: No space left on device ... ok\ntest fs::other ... FAILED\n",
    "No space left on device\nConnection timed out\ntest tests::adds ... FAILED\n",
    "  left: \"No space left on device (os error 28)\"\n right: \"disk full\"\n",
    "12 |     eprintln!(\"error: Connection timed out\");\nerror[E0425]: cannot find value\n",
    "warning: spurious network error (2 tries remaining): [28] Timeout was reached\nerror[E0308]: mismatched types\n",
    "-- Could NOT find Doxygen (missing: DOXYGEN_EXECUTABLE)\na.c:3:1: error: expected ';'\n",
    "sh: 1: git: not found\na.c:3:1: error: expected ';'\nmake: *** [Makefile:9: a.o] Error 1\n",
    "+ echo 'Network is unreachable'\nError: Unbound value f\n",
    "$ echo unmet dependencies\nError: Unbound value f\n",
    "+No space left on device\nFile \"t.ml\", line 1, characters 0-0:\n",
    "c.c:1:10: fatal error: local.h: No such file or directory\n    1 | #include \"local.h\"\n",
    "The server prints Network is unreachable when asked\n",
    "Dynlink is not available\nError: Unbound module Dynlink\n",
];

#[test]
fn a_mention_is_not_a_cause() {
    for log in ORDINARY {
        let verdict = classify_build_log(log);
        assert_eq!(verdict.category, category::BUILD_FAILURE, "{log}\n{verdict:#?}");
    }
}

#[test]
fn a_confirmation_that_comes_too_late_confirms_nothing() {
    let error = "a.c:1:10: fatal error: z.h: No such file or directory\n";
    for (gap, expected) in [(2, category::DEPEXT_UNAVAILABLE), (3, category::BUILD_FAILURE)] {
        let log = format!("{error}{}   1 | #include <z.h>\n", "more\n".repeat(gap));
        assert_eq!(classify_build_log(&log).category, expected, "{gap} lines between");
    }
}

#[test]
fn the_same_words_count_where_a_tool_says_them() {
    let table = [
        ("test tests::adds ... FAILED\ntee: log: No space left on device\n", category::TRANSIENT_FAILURE),
        (
            "error[E0308]: mismatched types\ncurl: (6) Could not resolve host: x\n",
            category::TRANSIENT_FAILURE,
        ),
        (
            "warning: a@0.1.0: a.c:1:10: fatal error: z.h: No such file or directory\nwarning: a@0.1.0:     1 | #include <z.h>\n",
            category::DEPEXT_UNAVAILABLE,
        ),
        (
            "# a.c:1:10: fatal error: gmp.h: No such file or directory\n#     1 | #include <gmp.h>\n",
            category::DEPEXT_UNAVAILABLE,
        ),
        ("a.c:1:10: fatal error: 'gmp.h' file not found\n#include <gmp.h>\n", category::DEPEXT_UNAVAILABLE),
    ];
    for (log, expected) in table {
        let verdict = classify_build_log(log);
        assert_eq!(verdict.category, expected, "{log}\n{verdict:#?}");
    }
}

#[test]
fn a_surer_line_replaces_bare_words() {
    let log = "No space left on device\ntee: x: No space left on device\nerror[E0308]: mismatched types\n";
    let verdict = classify_build_log(log);
    assert_eq!(verdict.category, category::TRANSIENT_FAILURE);
    assert_eq!(verdict.line.map(|line| line.number), Some(2));
    assert_eq!(verdict.causes.first().map(|cause| cause.lines), Some(2));
}

#[test]
fn text_alone_is_a_success_only_when_a_tool_says_so_last_and_nothing_failed() {
    let success = [
        "   Compiling app v0.1.0\n    Finished `dev` profile [unoptimized + debuginfo] target(s) in 0.06s\n",
        "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed\n\n",
        "-> installed conf-pkg-config.1.1\nDone.\n# Run eval $(opam env) to update the current shell environment\n",
        "    Finished `dev` profile [unoptimized] target(s) in 1s\nwarning: the following packages contain code that will be rejected\n",
        "\x1b[1m\x1b[92m    Finished\x1b[0m `dev` profile [unoptimized] target(s) in 0.1s\r\n",
    ];
    for log in success {
        assert_eq!(classify_build_log(log).category, category::SUCCESS, "{log}");
    }
    let failure = [
        "error: it broke\nDone.\n",
        "    Finished `dev` profile\nrunning the installer\n",
        "All done, nearly.\n",
        "Done. Not really.\n",
        "E: Unable to locate package x\ntest result: ok. 1 passed\n",
        "\n\n",
    ];
    for log in failure {
        assert_ne!(classify_build_log(log).category, category::SUCCESS, "{log}");
    }
}
