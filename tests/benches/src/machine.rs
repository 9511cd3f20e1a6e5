//! Which machine it was.

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::data::Place;

/// Properties of the machine that figures depend on, each with its name.
pub(crate) type Machine = Vec<(&'static str, String)>;

pub(crate) fn describe(place: &Place) -> Result<Machine> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.map(|rest| rest.trim_start_matches([' ', '\t', ':']).trim().to_owned()).unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory: u64 = field(&read("/proc/meminfo"), "MemTotal")
        .split_whitespace()
        .next()
        .unwrap_or("0")
        .parse()
        .unwrap_or(0);
    Ok(vec![
        ("processor", field(&read("/proc/cpuinfo"), "model name")),
        ("cores", cores.to_string()),
        ("memory", format!("{:.1} GiB", memory as f64 / f64::from(1 << 20))),
        ("file system", file_system(place, &read("/proc/self/mountinfo"))?),
        ("kernel", format!("Linux {}", read("/proc/sys/kernel/osrelease").trim())),
        ("compiler", first_line("rustc", "--version")),
        ("SQLite", rusqlite::version().to_owned()),
        ("grep", first_line("grep", "--version")),
        ("coreutils", first_line("cp", "--version")),
        ("ninja", first_line("ninja", "--version")),
        ("load before", read("/proc/loadavg").split_whitespace().take(3).collect::<Vec<_>>().join(" ")),
    ])
}

/// The kind of the file system that the data are on, with its options: the mount with the longest path that leads there.
fn file_system(place: &Place, mounts: &str) -> Result<String> {
    let root = fs::canonicalize(place.root())?;
    let mount = mounts.lines().filter_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split_whitespace().skip(4);
        let (point, options) = (left.next()?, left.next()?);
        let kind = right.split_whitespace().next()?;
        root.starts_with(point).then(|| (point.len(), format!("{kind} ({options})")))
    });
    Ok(mount.max_by_key(|(length, _)| *length).map(|(_, kind)| kind).unwrap_or_default())
}

fn first_line(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}
