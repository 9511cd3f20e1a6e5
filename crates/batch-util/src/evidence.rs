//! What the lines of a log have shown so far.

use crate::category;
use crate::context::{self, Evidence};
use crate::line::Line;
use crate::matcher::{Matcher, Part};
use crate::rule::{Context, Rule, Weight};
use crate::verdict::{Cause, DecidingLine};

/// The rules that say that a test failed.
const TESTS: [&str; 2] = ["test-failed", "tap-failed"];

/// For every rule, the first line on which it was met. Its size depends on the rules, never on the
/// log.
#[derive(Debug)]
pub(crate) struct Findings {
    rules: Vec<Finding>,
    /// Rules met on the line at hand; kept only to reuse its memory.
    met: Vec<Met>,
}

#[derive(Debug, Clone, Default)]
struct Finding {
    kept: Option<Kept>,
    waiting: Option<Waiting>,
    /// Whether the line at hand needs no further judging for this rule.
    judged: bool,
}

#[derive(Debug, Clone)]
struct Kept {
    line: DecidingLine,
    evidence: Evidence,
    lines: u64,
    last: u64,
}

/// A line that counts once a second one confirms it.
#[derive(Debug, Clone)]
struct Waiting {
    line: DecidingLine,
    until: u64,
}

#[derive(Debug, Clone, Copy)]
struct Met {
    rule: &'static Rule,
    index: usize,
    evidence: Evidence,
    at: usize,
}

impl Findings {
    pub(crate) fn new(matcher: &Matcher) -> Self {
        Findings { rules: vec![Finding::default(); matcher.rules.len()], met: Vec::new() }
    }

    /// Looks at one line, or one piece of a long one.
    pub(crate) fn look_at(&mut self, matcher: &Matcher, line: &Line<'_>) {
        let speech = line.speech();
        self.met.clear();
        self.rules.iter_mut().for_each(|finding| finding.judged = false);
        for found in matcher.occurrences(&line.text) {
            let (Some(&rule), Some(finding)) =
                (matcher.rules.get(found.rule), self.rules.get_mut(found.rule))
            else {
                continue;
            };
            if found.part == Part::Second {
                finding.confirm(rule, line, found.start);
            } else if !finding.judged {
                // What else the line must contain is the same for every occurrence.
                finding.judged = matches!(rule.context, Context::With(_));
                if let Some(evidence) = context::judge(rule.context, line, speech, found.start, found.end) {
                    finding.judged = true;
                    self.met.push(Met { rule, index: found.rule, evidence, at: found.start });
                }
            }
        }
        self.record(line);
    }

    /// Keeps what was met on the line. A rule for messages of no known kind steps back when another
    /// one knows this message.
    fn record(&mut self, line: &Line<'_>) {
        let knows = |rule: &Rule| rule.weight != Weight::General && rule.confirm.is_none();
        let known = self.met.iter().any(|met| knows(met.rule));
        for &Met { rule, index, evidence, at } in &self.met {
            let Some(finding) = self.rules.get_mut(index) else { continue };
            let shown = || DecidingLine::around(line, at);
            match rule.confirm {
                Some(confirm) => {
                    let until = line.number.saturating_add(confirm.within);
                    finding.waiting = Some(Waiting { line: shown(), until });
                }
                None if known && rule.weight == Weight::General => {}
                None => finding.keep(line.number, evidence, shown),
            }
        }
    }

    /// Confirms what was waiting for this exit status.
    pub(crate) fn confirm_by_exit(&mut self, matcher: &Matcher, code: i32) {
        for (rule, finding) in matcher.rules.iter().zip(&mut self.rules) {
            let confirmed = rule.confirm.is_some_and(|confirm| confirm.exit_code == Some(code));
            if let Some(waiting) = finding.waiting.take_if(|_| confirmed) {
                finding.keep(waiting.line.number, Evidence::Said, || waiting.line);
            }
        }
    }

    /// All explanations, the best first.
    ///
    /// A cause comes before an unknown error, and that before a consequence; then the category
    /// decides, then the line that came first. Bare words of a transient failure explain nothing
    /// when a compiler or a test says what is wrong: programs under test print such words too. For
    /// the same reason words that no tool puts its name to explain nothing when a test failed.
    pub(crate) fn ranked(self, matcher: &Matcher) -> Vec<Cause> {
        let a_test_failed = matcher
            .rules
            .iter()
            .zip(&self.rules)
            .any(|(rule, finding)| finding.kept.is_some() && TESTS.contains(&rule.id));
        let broken = matcher.rules.iter().zip(&self.rules).any(|(rule, finding)| {
            finding.kept.is_some()
                && rule.category == category::BUILD_FAILURE
                && rule.weight != Weight::Consequence
        });
        let mut found: Vec<_> = matcher
            .rules
            .iter()
            .zip(self.rules)
            .enumerate()
            .filter_map(|(index, (rule, finding))| {
                let kept = finding.kept?;
                let doubtful = rule.category == category::TRANSIENT_FAILURE
                    && match kept.evidence {
                        Evidence::Bare => broken,
                        Evidence::Told => a_test_failed,
                        Evidence::Said => false,
                    };
                let key = (doubtful, rule.weight, category::rank(rule.category), kept.line.offset, index);
                let cause = Cause {
                    category: rule.category.to_owned(),
                    rule: rule.id.to_owned(),
                    line: kept.line,
                    lines: kept.lines,
                };
                Some((key, cause))
            })
            .collect();
        found.sort_by_key(|(key, _)| *key);
        found.into_iter().map(|(_, cause)| cause).collect()
    }
}

impl Finding {
    fn confirm(&mut self, rule: &Rule, line: &Line<'_>, at: usize) {
        let Some(confirm) = rule.confirm else { return };
        let Some(waiting) = self.waiting.take_if(|waiting| line.number <= waiting.until) else { return };
        self.keep(line.number, Evidence::Said, || {
            if confirm.shows_second { DecidingLine::around(line, at) } else { waiting.line }
        });
    }

    /// Keeps the first line, unless a later one is surer. The text of a line is only copied when it
    /// will be shown.
    fn keep(&mut self, number: u64, evidence: Evidence, line: impl FnOnce() -> DecidingLine) {
        match &mut self.kept {
            None => self.kept = Some(Kept { line: line(), evidence, lines: 1, last: number }),
            Some(kept) => {
                if evidence > kept.evidence {
                    kept.line = line();
                    kept.evidence = evidence;
                }
                kept.lines += u64::from(kept.last != number);
                kept.last = number;
            }
        }
    }
}
