//! Making room in a cache: look, decide, remove.

mod execute;
mod plan;
mod survey;

pub use execute::{TrimResult, execute_trim};
pub use plan::{KeepReason, RemoveReason, TrimDecision, TrimItem, TrimPlan, TrimPolicy, plan_trim};
pub use survey::{CacheSurvey, survey_cache};

/// What a file of a cache is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TrimKind {
    /// What an operation gave.
    Entry,
    /// A payload.
    Object,
}
