//! What tools print in other ways than those the original knew, and what programs under test print
//! that looks like it. These are written after the tools, not captured from them.

use buildbook_batch_util::{Exit, category, classify_build, classify_build_log};

fn assert_category(table: &[(&str, &str)]) {
    for (log, expected) in table {
        let verdict = classify_build_log(log);
        assert_eq!(verdict.category, *expected, "{log}\n{verdict:#?}");
    }
}

#[test]
fn what_a_failing_test_prints_does_not_make_the_failure_transient() {
    assert_category(&[
        (
            "test net::resolves ... FAILED\n\n---- net::resolves stdout ----\nError: failed to lookup address information: Temporary failure in name resolution\n",
            category::BUILD_FAILURE,
        ),
        (
            "copy failed: No space left on device (os error 28)\ntest disk::copy ... FAILED\n",
            category::BUILD_FAILURE,
        ),
        (
            "[FAIL]        retry                1   server says connection timed out: Connection timed out.\n",
            category::BUILD_FAILURE,
        ),
        (
            "--- FAIL: TestDial (0.00s)\n    dial_test.go:12: dial tcp: connect: Network is unreachable\nFAIL\n",
            category::BUILD_FAILURE,
        ),
        ("not ok 2 - reports: Connection timed out\n#   Failed test 'reports'\n", category::BUILD_FAILURE),
        (
            "@@ -1,3 +1,3 @@\n   $ tool fetch http://example.invalid\n-  tool: Could not resolve host: example.invalid\n+  tool: Network is unreachable\n   [1]\n",
            category::BUILD_FAILURE,
        ),
    ]);
}

#[test]
fn the_same_reasons_are_believed_when_no_test_failed() {
    assert_category(&[
        (
            "Error: failed to lookup address information: Temporary failure in name resolution\n",
            category::TRANSIENT_FAILURE,
        ),
        (
            "error: failed to write version file\n  |\n  = note: No space left on device (os error 28)\n\nerror: could not compile `serde` (lib) due to 1 previous error\n",
            category::TRANSIENT_FAILURE,
        ),
    ]);
}

#[test]
fn a_download_that_failed_is_not_a_test_that_failed() {
    let verdict = classify_build_log("Resolving mirror.example... failed: Name or service not known.\n");
    let rules: Vec<_> = verdict.causes.iter().map(|cause| cause.rule.as_str()).collect();
    assert_eq!(rules, ["name-resolution"], "{verdict:#?}");
}

#[test]
fn a_file_of_the_package_s_own_is_not_a_missing_program() {
    assert_category(&[
        (
            "/bin/sh: 1: ./autogen.sh: not found\nmake: *** [Makefile:3: configure] Error 127\n",
            category::BUILD_FAILURE,
        ),
        (
            "/bin/sh: 1: flex: not found\nmake: *** [Makefile:3: lex.c] Error 127\n",
            category::DEPEXT_UNAVAILABLE,
        ),
        (
            "/bin/sh: 1: /usr/bin/flex: not found\nmake: *** [Makefile:3: lex.c] Error 127\n",
            category::DEPEXT_UNAVAILABLE,
        ),
    ]);
    let local = classify_build("sh: 1: ./gen/tables.sh: not found\n", Exit::Code(127));
    assert_eq!(local.category, category::BUILD_FAILURE, "{local:#?}");
}

#[test]
fn a_wrong_option_to_git_is_not_an_interruption() {
    let verdict =
        classify_build("error: unknown option `frobnicate'\nusage: git describe\n", Exit::Code(129));
    assert_eq!(verdict.category, category::BUILD_FAILURE, "{verdict:#?}");
}

#[test]
fn a_cause_that_a_tool_names_is_not_missed() {
    assert_category(&[
        (
            "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1234 (apt-get)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?\n",
            category::TRANSIENT_FAILURE,
        ),
        ("curl: (7) Failed to connect to mirror port 80: Connection refused\n", category::TRANSIENT_FAILURE),
        (
            "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError('x: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/foo/\nERROR: Could not find a version that satisfies the requirement foo (from versions: none)\nERROR: No matching distribution found for foo\n",
            category::TRANSIENT_FAILURE,
        ),
        ("npm ERR! code ETIMEDOUT\nnpm ERR! errno ETIMEDOUT\n", category::TRANSIENT_FAILURE),
        (
            "File \"src/dune\", line 1, characters 0-50:\nCommand got signal KILL.\n",
            category::TRANSIENT_FAILURE,
        ),
        ("ld -o x a.o\nmake[1]: *** [Makefile:22: vmlinux] Killed\n", category::TRANSIENT_FAILURE),
        (
            "../meson.build:20:0: ERROR: Dependency \"glib-2.0\" not found, tried pkgconfig and cmake\n",
            category::DEPEXT_UNAVAILABLE,
        ),
        (
            "../meson.build:5:0: ERROR: Program 'glib-compile-schemas' not found or not executable\n",
            category::DEPEXT_UNAVAILABLE,
        ),
        ("meson.build:1:0: ERROR: Unknown compiler(s): [['cc'], ['gcc']]\n", category::DEPEXT_UNAVAILABLE),
        (
            "CMake Error at CMakeLists.txt:2 (project):\n  No CMAKE_CXX_COMPILER could be found.\n",
            category::DEPEXT_UNAVAILABLE,
        ),
        (
            "ERROR: unable to select packages:\n  libfoo-dev (no such package):\n    required by: world[libfoo-dev]\n",
            category::DEPEXT_UNAVAILABLE,
        ),
        (
            "No match for argument: libfoo-devel\nError: Unable to find a match: libfoo-devel\n",
            category::DEPEXT_UNAVAILABLE,
        ),
        ("[ERROR] Failed to get sources of foo.1.0: curl error code 404\n", category::FETCH_FAILURE),
        (
            "Cloning into 'foo'...\nremote: Repository not found.\nfatal: repository 'https://mirror.example/foo.git/' not found\n",
            category::FETCH_FAILURE,
        ),
        (
            "npm ERR! code E404\nnpm ERR! 404 Not Found - GET https://mirror.example/x\n",
            category::FETCH_FAILURE,
        ),
        (
            "error: rustc 1.60.0 is not supported by the following packages:\n  clap@4.5.0 requires rustc 1.74\n",
            category::SOLVER_FAILURE,
        ),
        (
            "npm ERR! code ERESOLVE\nnpm ERR! ERESOLVE unable to resolve dependency tree\n",
            category::SOLVER_FAILURE,
        ),
    ]);
}
