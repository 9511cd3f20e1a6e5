//! The operator's commands, a file each.

mod classify;
mod compact;
mod diff;
mod fsck;
mod gc;
mod history;
mod index;
mod locks;
mod log;
mod memo;
mod notify;
mod progress;
mod runs;
mod standing;
mod status;
mod why;

use std::path::Path;

use buildbook::status_index::Change;

use crate::args::{Arguments, Command};
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::Table;

pub(crate) fn dispatch(arguments: &Arguments, utc_offset: time::UtcOffset) -> Outcome {
    let context = Context::new(arguments, utc_offset)?;
    match &arguments.command {
        Command::Run(arguments) => return crate::run::run(&context, arguments),
        Command::Classify(arguments) => return classify::run(&context, arguments),
        Command::Notify(arguments) => return notify::run(&context, arguments),
        Command::Memo(arguments) => return memo::run(&context, arguments),
        _ => context.must_exist()?,
    }
    match &arguments.command {
        Command::Run(_) | Command::Classify(_) | Command::Notify(_) | Command::Memo(_) => {
            unreachable!("handled above")
        }
        Command::Status => status::run(&context),
        Command::Packages(arguments) => standing::packages(&context, arguments),
        Command::Failures(arguments) => standing::failures(&context, arguments),
        Command::History(arguments) => history::run(&context, arguments),
        Command::Log(arguments) => log::run(&context, arguments),
        Command::Why(arguments) => why::run(&context, arguments),
        Command::Runs(arguments) => runs::list(&context, arguments),
        Command::Show(arguments) => runs::show(&context, arguments),
        Command::Diff(arguments) => diff::run(&context, arguments),
        Command::Progress(arguments) => progress::run(&context, arguments),
        Command::Locks(arguments) => locks::run(&context, arguments),
        Command::Index(arguments) => index::run(&context, arguments),
        Command::Compact(arguments) => compact::run(&context, arguments),
        Command::Gc(arguments) => gc::run(&context, arguments),
        Command::Fsck(arguments) => fsck::run(&context, arguments),
    }
}

/// Changes as `run`, `status` and `index` show them.
pub(crate) fn change_table(changes: &[Change]) -> Table {
    let mut table = Table::new(["  PACKAGE", "KIND", "WHAT", "FROM", "TO", ""]);
    for change in changes {
        table.row([
            format!("  {}", change.package),
            change.kind.to_string(),
            change.what.map(|what| what.as_str().replace('_', " ")).unwrap_or_default(),
            change.from_status.to_string(),
            change.to_status.to_string(),
            if change.blessed { "blessed".to_owned() } else { String::new() },
        ]);
    }
    table
}

/// Errors that stopped nothing, with their causes, as they are shown and in JSON documents.
pub(crate) fn explained<E: std::error::Error>(problems: &[E]) -> Vec<String> {
    problems.iter().map(|problem| crate::output::explained(problem)).collect()
}

/// Lines of a file that could not be used, as they are shown and in JSON documents.
fn lines<P: std::fmt::Display>(file: &Path, problems: &[P]) -> Vec<String> {
    problems.iter().map(|problem| format!("{}: {problem}", file.display())).collect()
}
