//! One measurement in a process of its own, so that no side finds memory or files warm that another side left.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

use crate::data::Place;
use crate::row::Sample;
use crate::{crew, rows};

/// Runs a side in another process, and takes its measurement.
pub(crate) fn measure(place: &Place, row: u8, side: &str) -> Result<Sample> {
    let output = myself(place, &format!("side {row} {side}"))?
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start a worker")?;
    ensure!(output.status.success(), "row {row}, `{side}`: {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().last().unwrap_or_default();
    let said: Value = serde_json::from_str(line).with_context(|| format!("a worker said {line:?}"))?;
    let number = |key: &str| said[key].as_u64().with_context(|| format!("a worker said {line:?}"));
    Ok(Sample {
        took: Duration::from_nanos(number("nanoseconds")?),
        times: number("times")?,
        peak_kib: number("peak_kib")?,
    })
}

/// This program, to do some work for another.
pub(crate) fn myself(place: &Place, work: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("cannot find this program")?);
    command.args(place.arguments()).args(["--worker", work]);
    Ok(command)
}

/// Does what another process of this program asked for.
pub(crate) fn work(work: &str, place: &Place) -> Result<()> {
    match work.splitn(3, ' ').collect::<Vec<_>>().as_slice() {
        ["side", row, name] => {
            let row = rows::find(row.parse()?)?;
            let side = row.sides.iter().find(|side| side.name == *name);
            let side = side.with_context(|| format!("row {} has no side `{name}`", row.number))?;
            // Dirt of an earlier side is not for this one to write back.
            place.sync()?;
            let sample = (side.run)(place)?;
            let said = json!({
                "nanoseconds": u64::try_from(sample.took.as_nanos())?,
                "times": sample.times,
                "peak_kib": sample.peak_kib,
            });
            writeln!(std::io::stdout(), "{said}")?;
            Ok(())
        }
        ["role", row, rest] => crew::play(rows::find(row.parse()?)?, rest, place),
        _ => bail!("there is no such work: {work}"),
    }
}

/// Measures work that this process does once.
pub(crate) fn once<T>(work: impl FnOnce() -> Result<T>) -> Result<Sample> {
    times(1, work)
}

/// Measures work that goes through `times` repetitions by itself.
pub(crate) fn times<T>(times: u64, work: impl FnOnce() -> Result<T>) -> Result<Sample> {
    forget_peak();
    let start = Instant::now();
    let done = work()?;
    let took = start.elapsed();
    let peak_kib = peak_kib()?;
    // What the work made is not dropped on its account.
    drop(done);
    Ok(Sample { took, times, peak_kib })
}

/// The median of several measurements of short work, after one that is not counted.
pub(crate) fn often<T>(repeat: usize, mut work: impl FnMut() -> Result<T>) -> Result<Sample> {
    drop(work()?);
    median((0..repeat).map(|_| once(&mut work)).collect::<Result<_>>()?)
}

/// The measurement in the middle, with the highest peak of all.
pub(crate) fn median(mut samples: Vec<Sample>) -> Result<Sample> {
    samples.sort_by_key(|sample| sample.took);
    let peak_kib = samples.iter().map(|sample| sample.peak_kib).max().unwrap_or_default();
    let middle = samples.get(samples.len() / 2).context("nothing was measured")?;
    Ok(Sample { peak_kib, ..*middle })
}

/// Measures a program from its start to its end. It must succeed.
pub(crate) fn program(command: &mut Command) -> Result<Sample> {
    program_ending(command, |status| status == Some(0))
}

/// Measures a program from its start to its end, which must be as expected.
pub(crate) fn program_ending(command: &mut Command, is_fine: fn(Option<i32>) -> bool) -> Result<Sample> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let sample = once(|| {
        let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
        ensure!(is_fine(status.code()), "{command:?} ended with {status}");
        Ok(())
    })?;
    Ok(Sample { peak_kib: peak_of_children_kib()?, ..sample })
}

/// The most memory of the largest process that this one started and waited for.
pub(crate) fn peak_of_children_kib() -> Result<u64> {
    Ok(u64::try_from(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())?)
}

/// The kernel then counts from here on. Where it does not, the peak has what went before in it, which is little.
fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn peak_kib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("cannot read the state of this process")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words = line.context("the kernel does not tell the most memory that there was")?;
    Ok(words.split_whitespace().next().unwrap_or_default().parse()?)
}
