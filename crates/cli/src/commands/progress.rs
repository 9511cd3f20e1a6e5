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
    if !arguments.watch {
        let document = look(context)?;
        if context.json {
            output::json(&document)?;
        } else if document.progress.is_empty() {
            output::text("no run is in progress")?;
        } else {
            output::text(&text(context, &document)?)?;
        }
        output::problems(&document.problems);
        return Ok(Status::Done);
    }
    watch(context)
}

/// Shows the runs in flight until there is none.
fn watch(context: &Context) -> Outcome {
    let mut shown = 0;
    let mut last = String::new();
    loop {
        let document = look(context)?;
        let active = document.progress.iter().any(|row| row.state != RunState::Interrupted);
        if context.json {
            output::json(&document)?;
        } else {
            let text = text(context, &document)?;
            let mut out = std::io::stdout().lock();
            if std::io::stdout().is_terminal() {
                // Goes back over what was shown before, and clears it.
                if shown > 0 {
                    write!(out, "\x1b[{shown}A\x1b[J")?;
                }
                write!(out, "{text}")?;
                shown = text.lines().count();
            } else if text != last {
                write!(out, "{text}")?;
            }
            out.flush()?;
            last = text;
        }
        if !active {
            return Ok(Status::Done);
        }
        std::thread::sleep(PAUSE);
    }
}

fn look(context: &Context) -> Result<Document, Failure> {
    let runs = context.run_log().runs()?;
    let mut document = Document { progress: Vec::new(), problems: super::lines(&runs.problems) };
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
            Err(error) => document.problems.push(error.to_string()),
        }
    }
    Ok(document)
}

fn text(context: &Context, document: &Document) -> Result<String, Failure> {
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
        text.push_str(&super::locks::table(context)?);
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
