//! What a classification rule is made of.

use serde::Serialize;

/// The version of the rule table, stored with every verdict.
///
/// It moves whenever a rule is added, dropped or changed, or is found in more or fewer places, so
/// that a stored verdict tells by which rules it was reached and whether classifying the log again
/// could give another answer.
pub const RULES_VERSION: u32 = 3;

/// One rule: the words by which a kind of failure is known, and where they must stand to mean it.
///
/// Rules are data. [`crate::rules`] lists them in the order in which they are tried; the crate's
/// tests run every rule against its own example and counter-example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rule {
    /// The rule's name, unique and stable: verdicts refer to it.
    pub id: &'static str,
    /// The category that the rule gives, one of [`crate::category`].
    pub category: &'static str,
    /// How much the line says about the cause.
    pub weight: Weight,
    /// The words, any of which may be found, in any case of ASCII letters.
    pub patterns: &'static [&'static str],
    /// Where the words must stand.
    pub context: Context,
    /// A second line without which the first means nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Confirm>,
    /// A log that the rule must recognise.
    pub example: &'static str,
    /// A log that looks like it and must not be recognised by this rule.
    pub counter_example: &'static str,
}

/// How much a line says about why the build failed. The order is the order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It names the cause.
    Cause,
    /// It is an error message of no known kind. Only asked of a line that no other rule recognises.
    General,
    /// It reports that something before it failed.
    Consequence,
}

/// Where the words of a rule must stand.
///
/// Except for [`Context::Verbatim`] and [`Context::Capitals`], the words never count on a line that
/// is not a report of its own: a compiler's or build tool's warning, the result of a check or of a
/// test, an excerpt of source code, an assertion's operands, or a command being echoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Context {
    /// Anywhere on any line.
    Verbatim,
    /// Anywhere on any line, in capitals as in the pattern.
    Capitals,
    /// Anywhere on a reporting line.
    Anywhere,
    /// At the start of the message, after marks such as `E:`, `[ERROR]`, `make[1]:` or
    /// `src/a.c:3:14:`.
    Start,
    /// The words are the whole message.
    Alone,
    /// Where a program puts the reason it failed: at the start of the message, after a colon or
    /// bracket, or on a line that speaks of an error before it comes to the words.
    Reported,
    /// After the name of a program that the system should provide, not a file of the package's own
    /// such as `./configure`.
    Program,
    /// After the name of one package, with the end of the statement behind them.
    Package,
    /// On a reporting line that also contains one of these.
    With(&'static [&'static str]),
}

/// The second line that a rule waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Confirm {
    /// The words of the second line, any of which may be found anywhere on it.
    pub patterns: &'static [&'static str],
    /// At most how many lines after the first it may come. Words on the first line itself confirm
    /// nothing.
    pub within: u64,
    /// An exit status of the build that confirms as well as the second line does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Whether the second line tells the operator more than the first, and is therefore the one
    /// that is kept.
    pub shows_second: bool,
}
