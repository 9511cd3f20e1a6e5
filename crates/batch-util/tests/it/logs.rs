//! Logs that real tools wrote. Machine paths, host names and long lists are shortened; every other
//! byte is theirs.

use std::collections::BTreeSet;
use std::path::Path;

use buildbook_batch_util::{Exit, Status, Verdict, category, classify_build_log, classify_reader};

/// File, category, rule, and the number of the line an operator should be shown.
const EXPECTED: &[(&str, &str, &str, u64)] = &[
    ("apt-503", "transient_failure", "apt-fetch", 4),
    ("apt-dns", "transient_failure", "name-resolution", 2),
    ("apt-no-candidate", "depext_unavailable", "not-available", 4),
    ("apt-unknown", "depext_unavailable", "apt-unknown-package", 4),
    ("apt-unmet", "depext_unavailable", "unmet-dependencies", 10),
    ("bash-killed", "transient_failure", "memory-killed-shell", 1),
    ("cargo-add-missing", "solver_failure", "cargo-not-in-registry", 2),
    ("cargo-build-script-cmake", "depext_unavailable", "build-script-tool", 30),
    ("cargo-build-script-header", "depext_unavailable", "missing-system-header", 2),
    ("cargo-build-script-no-compiler", "depext_unavailable", "missing-compiler", 2),
    ("cargo-build-script-pkg-config", "depext_unavailable", "pkg-config-absent", 12),
    ("cargo-install-missing", "solver_failure", "cargo-not-in-registry", 2),
    ("cargo-link-missing-library", "depext_unavailable", "linker-missing-library", 6),
    ("cargo-linker-missing", "depext_unavailable", "missing-compiler", 2),
    ("cargo-missing-feature", "solver_failure", "cargo-no-version", 2),
    ("cargo-missing-package", "solver_failure", "cargo-no-package", 2),
    ("cargo-missing-version", "solver_failure", "cargo-no-version", 2),
    ("cargo-network-dl", "transient_failure", "server-overloaded", 9),
    ("cargo-network-dns", "transient_failure", "name-resolution", 12),
    ("cargo-network-hang", "transient_failure", "connection-timed-out", 12),
    ("cargo-network-refused", "transient_failure", "connection-failed", 12),
    ("cargo-network-s429", "transient_failure", "server-overloaded", 12),
    ("cargo-network-s503", "transient_failure", "server-overloaded", 12),
    ("cargo-network-tls", "fetch_failure", "certificate-refused", 11),
    ("cargo-network-tlsr", "transient_failure", "connection-failed", 12),
    ("cargo-rustc-killed", "transient_failure", "memory-killed", 5),
    ("cargo-success", "success", "", 0),
    ("cargo-sys-crate", "depext_unavailable", "pkg-config-missing-library", 17),
    ("cargo-test-failed", "build_failure", "test-failed", 5),
    ("cargo-test-success", "success", "", 0),
    ("cargo-type-error-coloured", "build_failure", "rustc-error", 2),
    ("cargo-type-error", "build_failure", "rustc-error", 2),
    ("cc-disk-full", "transient_failure", "disk-full", 2),
    ("cc-missing-local-header", "build_failure", "error", 1),
    ("cc-missing-system-header", "depext_unavailable", "missing-system-header", 2),
    ("cmake-find-module", "depext_unavailable", "cmake-missing-package", 8),
    ("cmake-find-package", "depext_unavailable", "cmake-missing-package", 14),
    ("cmake-optional-then-compile-error", "build_failure", "error", 32),
    ("cmake-pkg-config", "depext_unavailable", "cmake-pkg-config", 10),
    ("curl-503", "transient_failure", "download-server-error", 1),
    ("curl-certificate", "fetch_failure", "certificate-refused", 1),
    ("curl-reset", "transient_failure", "connection-failed", 1),
    ("curl-timeout", "transient_failure", "connection-timed-out", 1),
    ("dpkg-dependencies", "depext_unavailable", "dpkg-dependencies", 5),
    ("gcc-memory", "transient_failure", "memory-exhausted", 1),
    ("git-dns", "transient_failure", "name-resolution", 2),
    ("ld-missing-library", "depext_unavailable", "linker-missing-library", 1),
    ("ld-undefined-reference", "build_failure", "undefined-reference", 2),
    ("make-cc1plus-killed", "transient_failure", "memory-killed", 2),
    ("make-false-alarms", "build_failure", "error", 5),
    ("make-missing-program", "depext_unavailable", "missing-program", 9),
    ("make-no-rule", "build_failure", "make-no-rule", 1),
    ("make-segfault", "build_failure", "crash", 2),
    ("pip-missing", "solver_failure", "pip-no-version", 1),
    ("pkg-config-missing", "depext_unavailable", "pkg-config-missing-library", 1),
    ("pkg-config-old", "depext_unavailable", "pkg-config-old-library", 1),
    ("wget-503", "transient_failure", "download-server-error", 4),
    ("wget-dns", "transient_failure", "name-resolution", 3),
    ("wget-refused", "transient_failure", "wget-connection", 2),
];

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("{name}.log"))).unwrap()
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs")
}

#[test]
fn logs_of_real_tools_get_their_category_rule_and_line() {
    for (name, category, rule, line) in EXPECTED {
        let verdict = classify_build_log(read(name));
        let found = (
            verdict.category.as_str(),
            verdict.rule.as_deref().unwrap_or_default(),
            verdict.line.as_ref().map_or(0, |line| line.number),
        );
        assert_eq!(found, (*category, *rule, *line), "{name}: {verdict:#?}");
    }
}

#[test]
fn a_reader_gives_the_same_verdict() {
    for (name, ..) in EXPECTED {
        let log = read(name);
        assert_eq!(classify_reader(&log[..], Exit::Unknown).unwrap(), classify_build_log(&log), "{name}");
    }
}

#[test]
fn every_log_is_in_the_table() {
    let files: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let named: BTreeSet<String> = EXPECTED.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(files, named);
}

#[test]
fn failed_logs_do_not_turn_into_successes_by_being_cut_short() {
    for (name, ..) in EXPECTED.iter().filter(|(_, category, ..)| *category != category::SUCCESS) {
        let log = read(name);
        let Verdict { status, .. } = classify_build_log(log.get(..log.len() - 1).unwrap());
        assert_eq!(status, Status::Failure, "{name}");
    }
}
