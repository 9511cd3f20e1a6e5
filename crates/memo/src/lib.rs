//! A build memoizer: no operation runs twice, and no answer is taken on trust.

mod cache;
mod contents;
mod digest;
mod env;
mod error;
mod feedback;
mod finish;
mod handle;
mod identity;
mod key;
mod memo;
mod op;
mod process_group;
mod promise;
mod record;
mod report;
mod running;
mod settings;
mod spawn;
mod tasks;
mod tool;
mod trace;
mod trim;
mod work;
mod write;

pub use buildbook_fsio::Durability;
pub use digest::{Digest, InvalidDigest};
pub use env::Env;
pub use error::{Ended, Error, fail};
pub use feedback::Feedback;
pub use handle::{CpuTime, Handle};
pub use key::Key;
pub use memo::{Memo, Wait};
pub use op::{Activity, Kind, Op, OpId, Span, Status};
pub use promise::{Fut, FutSetter};
pub use report::{FailedTask, Report, Unfinished};
pub use running::{Exit, FromOutput, Running};
pub use settings::{Clock, Settings};
pub use spawn::{Redirect, Spawn};
pub use tool::{Cmd, MemoTool, Tool};
pub use trace::write_chrome_trace;
pub use trim::{
    CacheSurvey, KeepReason, RemoveReason, TrimDecision, TrimItem, TrimKind, TrimPlan, TrimPolicy,
    TrimResult, execute_trim, plan_trim, survey_cache,
};
pub use work::CancelHandle;
pub use write::{Copy, Write};

/// The result of an operation or of a task.
pub type Result<T> = std::result::Result<T, Error>;
