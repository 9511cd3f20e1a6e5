//! From what was found to a verdict.

use crate::category;
use crate::evidence::Findings;
use crate::exit::{Ending, Exit};
use crate::matcher::Matcher;
use crate::rule::RULES_VERSION;
use crate::scan::Scan;
use crate::tail::Tail;
use crate::verdict::{Cause, Status, Verdict};

/// Classifies a log by its text alone.
///
/// Without an exit status nothing proves a success, so a log is one only if nothing in it reports a
/// failure and its last line is one by which a tool ends a finished job: cargo's `Finished`,
/// libtest's `test result: ok.`, opam's `Done.`. An empty log, and one that says nothing known, is
/// a `build_failure` without a rule, as it always was. Where the exit is known, [`classify_build`]
/// is the better question.
///
/// Any bytes are a log: the text need not be UTF-8.
///
/// ```
/// use buildbook_batch_util::{category, classify_build_log};
///
/// let verdict = classify_build_log("Reading package lists...\nE: Unable to locate package libfoo-dev\n");
/// assert_eq!(verdict.category, category::DEPEXT_UNAVAILABLE);
/// assert_eq!(verdict.line.map(|line| line.number), Some(2));
/// ```
pub fn classify_build_log(log: impl AsRef<[u8]>) -> Verdict {
    classify_build(log, Exit::Unknown)
}

/// Classifies a build by how its process ended and, where that leaves the question open, by its
/// log.
///
/// 1. An exit with status 0 is a success, whatever the log says.
/// 2. A build stopped for its time is a `timeout_failure`; one killed or interrupted from outside
///    (by signal, or with a shell's status 130, 137 or 143) is a `transient_failure`.
/// 3. Otherwise the best explanation in the log decides. One that names a cause comes before an
///    error of no known kind, and that before a mere consequence; among equals transient, depext,
///    fetch, solver and build failures come in this order, and then the line that came first. Bare
///    words of a transient failure, or one after which a tool went on, step back where a compiler
///    or a test says what is wrong; those that no tool puts its name to, where a test failed.
/// 4. A crash without an explanation is a `build_failure`; and so is everything else.
///
/// ```
/// use buildbook_batch_util::{Exit, category, classify_build};
///
/// let verdict = classify_build("test 1\ntest 2\n", Exit::TimedOut);
/// assert_eq!(verdict.category, category::TIMEOUT_FAILURE);
/// assert_eq!(verdict.message(), Some("test 2"));
/// ```
pub fn classify_build(log: impl AsRef<[u8]>, exit: Exit) -> Verdict {
    let mut scan = Scan::new();
    scan.feed(log.as_ref());
    scan.finish(exit)
}

pub(crate) fn decide(mut findings: Findings, tail: &Tail, newlines: u64, exit: Exit) -> Verdict {
    let matcher = Matcher::get();
    if let Exit::Code(code) = exit {
        findings.confirm_by_exit(matcher, code);
    }
    let causes = findings.ranked(matcher);
    let best = causes.first();
    let transient = causes.iter().find(|cause| cause.category == category::TRANSIENT_FAILURE);
    let by_log = |cause: &Cause| (cause.category.clone(), Some(cause.rule.clone()), Some(cause.line.clone()));
    let by_exit = |category: &str, rule: Option<&str>| {
        (category.to_owned(), rule.map(str::to_owned), tail.last_line(newlines))
    };
    let from_outside = |rule| by_exit(category::TRANSIENT_FAILURE, Some(rule));
    let (category, rule, line) = match exit.ending() {
        Ending::Succeeded => return success(),
        Ending::TimedOut => by_exit(category::TIMEOUT_FAILURE, Some("exit-timeout")),
        // The log may say what ended it.
        Ending::Killed => transient.map_or_else(|| from_outside("exit-killed"), by_log),
        Ending::Interrupted => transient.map_or_else(|| from_outside("exit-interrupted"), by_log),
        Ending::Crashed => {
            best.map_or_else(|| by_exit(category::BUILD_FAILURE, Some("exit-crashed")), by_log)
        }
        Ending::Unknown if best.is_none() && tail.ends_in_success(newlines) => return success(),
        Ending::Failed | Ending::Unknown => {
            best.map_or_else(|| by_exit(category::BUILD_FAILURE, None), by_log)
        }
    };
    Verdict { status: Status::Failure, category, rule, line, causes, rules_version: RULES_VERSION }
}

fn success() -> Verdict {
    Verdict {
        status: Status::Success,
        category: category::SUCCESS.to_owned(),
        rule: None,
        line: None,
        causes: Vec::new(),
        rules_version: RULES_VERSION,
    }
}
