//! `progress`: how far the run in flight is.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use buildbook::layout::{RunId, Timestamp};
use buildbook::progress::{self, Progress};
use buildbook::runlog::{RunInfo, RunState};
use serde::Serialize;

use crate::args;
use crate::context::Context;
use crate::failure::{Failure, Outcome, Status};
use crate::output;

/// How often a watched run is looked at.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Serialize)]
struct Document {
    /// The runs in flight, and those that ended without taking their progress away.
    progress: Vec<Row>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    run: RunId,
    state: RunState,
    /// How long ago it was written, in seconds; null if its writer does not say.
    age_seconds: Option<f64>,
    #[serde(flatten)]
    progress: Progress,
}

pub(super) fn run(context: &Context, arguments: &args::Progress) -> Outcome {
    if arguments.watch && context.json {
        let why = "--json prints one document, and --watch has no end that is known";
        return Err(Failure::usage(anyhow::anyhow!(why)));
    }
    if arguments.watch {
        return watch(context);
    }
    let mut document = look(context)?;
    if context.json {
        output::json(&document)?;
    } else if document.progress.is_empty() {
        output::text("no run is in progress")?;
    } else {
        let text = text(context, &mut document)?;
        output::text(&text)?;
    }
    output::problems(&document.problems);
    Ok(Status::Done)
}

/// Shows the runs in flight until there is none, or nobody looks any more.
fn watch(context: &Context) -> Outcome {
    let terminal = std::io::stdout().is_terminal();
    let mut shown = String::new();
    let mut told = Vec::new();
    loop {
        let mut document = look(context)?;
        let text = text(context, &mut document)?;
        if text != shown {
            let shows = if terminal { redrawn(&shown, &text) } else { text.clone() };
            let mut out = std::io::stdout().lock();
            if !output::printed(out.write_all(shows.as_bytes()).and_then(|()| out.flush()))? {
                return Ok(Status::Done);
            }
            shown = text;
        }
        if document.problems != told {
            output::problems(&document.problems);
            told = document.problems;
        }
        if document.progress.iter().all(|row| row.state == RunState::Interrupted) {
            return Ok(Status::Done);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Lines that a terminal shows in place of those before. It cuts what is longer than it is wide: a line that took two
/// rows would not be gone back over.
fn redrawn(before: &str, text: &str) -> String {
    let back = match before.lines().count() {
        0 => String::new(),
        lines => format!("\x1b[{lines}A\x1b[J"),
    };
    match text.strip_suffix('\n') {
        // All that ends with a line feed is one write: whoever is killed has not left the terminal cutting lines.
        Some(text) => format!("{back}\x1b[?7l{text}\x1b[?7h\n"),
        None => back,
    }
}

fn look(context: &Context) -> Result<Document, Failure> {
    let runs = context.run_log().runs()?;
    let mut document = Document { progress: Vec::new(), problems: super::explained(&runs.problems) };
    for RunInfo { id, state, .. } in runs.runs {
        if state == RunState::Finished {
            continue;
        }
        match progress::read(context.book.logs().run(&id).path()) {
            Ok(Some(progress)) => {
                let age_seconds = progress.age(Timestamp::now()).map(|age| age.as_secs_f64());
                document.progress.push(Row { run: id, state, age_seconds, progress });
            }
            Ok(None) => {}
            Err(error) => document.problems.push(output::explained(&error)),
        }
    }
    Ok(document)
}

/// The runs and the builds in progress; adds what could not be read to the document's problems.
fn text(context: &Context, document: &mut Document) -> Result<String, Failure> {
    let mut text = String::new();
    for row in &document.progress {
        let (done, total) = (row.progress.build_completed, row.progress.build_total);
        text.push_str(&format!(
            "{}  {}  {} {done}/{total}{}\n",
            row.run,
            output::one_line(&row.progress.phase.to_string()),
            bar(done, total),
            match (row.state, row.age_seconds) {
                (RunState::Interrupted, _) => "  its writer has died".to_owned(),
                (_, Some(age)) if age > 60.0 => {
                    format!(
                        "  as of {} ago",
                        output::duration(Duration::try_from_secs_f64(age).unwrap_or_default())
                    )
                }
                _ => String::new(),
            },
        ));
    }
    if !document.progress.is_empty() {
        let (table, problems) = super::locks::table(context, Timestamp::now())?;
        text.push_str(&table);
        document.problems.extend(problems);
    }
    Ok(text)
}

fn bar(done: u64, total: u64) -> String {
    const WIDTH: u64 = 30;
    let full = if total == 0 {
        0
    } else {
        (done.min(total) as u128 * u128::from(WIDTH) / u128::from(total)) as usize
    };
    format!("[{}{}]", "#".repeat(full), "-".repeat(WIDTH as usize - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_redrawn_takes_one_row_for_each_line() {
        let wide = "x".repeat(1000);
        let first = format!("{wide}\n{wide}\n");
        let (cutting, wrapping) = ("\x1b[?7l", "\x1b[?7h\n");
        assert_eq!(redrawn("", &first), format!("{cutting}{wide}\n{wide}{wrapping}"));
        assert_eq!(redrawn(&first, "y\n"), format!("\x1b[2A\x1b[J{cutting}y{wrapping}"));
        assert_eq!(redrawn("y\n", ""), "\x1b[1A\x1b[J");
    }
}
