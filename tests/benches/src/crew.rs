//! Several processes that do their part of the work at the same time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::data::Place;
use crate::row::{Row, Sample};
use crate::worker::{self, myself};

/// What a member of a crew does.
pub(crate) struct Role {
    pub(crate) name: &'static str,
    /// Gets ready, waits for the gate, and works.
    pub(crate) play: fn(&Place, &mut Member) -> Result<()>,
}

/// One process of a crew, and which one it is.
pub(crate) struct Member {
    pub(crate) number: usize,
    pub(crate) of: usize,
}

impl Member {
    /// Says that it is ready, and waits until all are.
    pub(crate) fn gate(&mut self) -> Result<()> {
        writeln!(std::io::stdout(), "ready")?;
        self.wait()
    }

    /// Waits until the next word of whoever started it.
    pub(crate) fn wait(&mut self) -> Result<()> {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).context("nobody says when to begin")?;
        Ok(())
    }
}

/// Has `of` processes play a role, and measures from the moment when all are ready until all are done.
pub(crate) fn measure(place: &Place, row: u8, role: &str, of: usize, times: u64) -> Result<Sample> {
    let mut crew =
        (0..of).map(|number| start(place, row, role, number, of)).collect::<Result<Vec<Child>>>()?;
    let sample = worker::times(times, || {
        for child in &mut crew {
            child.stdin.as_mut().context("it has one")?.write_all(b"go\n")?;
        }
        for child in &mut crew {
            let status = child.wait()?;
            ensure!(status.success(), "a member of the crew `{role}` ended with {status}");
        }
        Ok(())
    })?;
    Ok(Sample { peak_kib: worker::peak_of_children_kib()?, ..sample })
}

/// Has one process play a role while something else is done.
pub(crate) fn beside<T>(place: &Place, row: u8, role: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let mut child = start(place, row, role, 0, 1)?;
    let done = work();
    drop(child.stdin.take());
    child.wait()?;
    done
}

fn start(place: &Place, row: u8, role: &str, number: usize, of: usize) -> Result<Child> {
    let mut command = myself(place, &format!("role {row} {number}/{of} {role}"))?;
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start a crew")?;
    let mut line = String::new();
    let stdout = child.stdout.take().context("it has one")?;
    BufReader::new(stdout).read_line(&mut line)?;
    ensure!(line == "ready\n", "a member of the crew `{role}` said {line:?}");
    Ok(child)
}

/// Plays a role in this process.
pub(crate) fn play(row: &Row, work: &str, place: &Place) -> Result<()> {
    let (place_in_crew, name) = work.split_once(' ').context("which role?")?;
    let (number, of) = place_in_crew.split_once('/').context("which member?")?;
    let role = row.roles.iter().find(|role| role.name == name);
    let role = role.with_context(|| format!("row {} has no role `{name}`", row.number))?;
    (role.play)(place, &mut Member { number: number.parse()?, of: of.parse()? })
}
