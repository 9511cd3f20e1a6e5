//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Keep the book of a build farm: run batches, see where everything stands, what changed and why.
///
/// Exit status: 0 done; 1 the thing asked about failed (a build failed, a message was not delivered);
/// 2 wrong usage; 3 the book could not be read or written.
#[derive(Debug, Parser)]
#[command(name = "buildbook", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Arguments {
    /// The folder of the book
    #[arg(long, global = true, value_name = "DIR", env = "BUILDBOOK_ROOT", default_value = ".buildbook")]
    pub(crate) root: PathBuf,
    /// The platform whose cache is meant [default: the only one of the book, else this machine's]
    #[arg(long, global = true, value_name = "KEY")]
    pub(crate) platform: Option<String>,
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build every target of a plan, in dependency order
    ///
    /// Targets whose layer is already good are taken from it, and those that another book has built, with --memo, from
    /// the cache. Ctrl-C ends the running builds and leaves a book
    /// that reads correctly; the same command goes on from there.
    Run(Run),
    /// Where everything stands, and what changed in the last run
    Status,
    /// Every package and how its newest build ended
    Packages(Packages),
    /// What is broken
    Failures(Failures),
    /// What happened to a package
    History(History),
    /// The log of a package
    Log(Log),
    /// Why a package fails, through what, and since when
    Why(OnePackage),
    /// The runs
    Runs(Runs),
    /// What happened in a run
    Show(OneRun),
    /// What changed between two runs
    Diff(Diff),
    /// How far the run in flight is
    Progress(Progress),
    /// The builds in progress
    Locks(Locks),
    /// Make the index of where everything stands anew
    Index(Index),
    /// Shorten histories, keeping every change
    Compact(Compact),
    /// Remove layers and universes that nothing needs
    Gc(Gc),
    /// Keep the cache of `run --memo` small
    Memo(Memo),
    /// Check the runs, the locks, the histories and the index
    ///
    /// What writers that died left is found too. Logs, layers and universes are not opened.
    Fsck(Fsck),
    /// Say why a build failed, from its log
    Classify(Classify),
    /// Send a message
    Notify(Notify),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The plan, a JSON file
    pub(crate) plan: PathBuf,
    /// How many builds run at the same time [default: the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Take what targets with `outputs` make from this cache, and put it there
    ///
    /// Several books and several runs at once may share a cache. A target is taken from it when its platform, name,
    /// command, program, `env`, `PATH`, the contents of its `inputs`, its `outputs` and the contents of the layers
    /// below it are those with which it was built. A target whose plan names no `outputs` runs as without a cache.
    #[arg(long, value_name = "DIR")]
    pub(crate) memo: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Packages {
    /// Only packages whose category is this
    #[arg(long, value_name = "CATEGORY")]
    pub(crate) category: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Failures {
    /// Only failures of this category
    #[arg(long, value_name = "CATEGORY")]
    pub(crate) category: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct OnePackage {
    /// NAME.VERSION
    pub(crate) package: String,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// NAME.VERSION
    pub(crate) package: String,
    /// Only the newest entry of each hash
    #[arg(long, conflicts_with = "blessed")]
    pub(crate) latest: bool,
    /// Only the newest blessed entry
    #[arg(long)]
    pub(crate) blessed: bool,
    /// At most the newest N entries
    #[arg(short = 'n', long, value_name = "N", conflicts_with_all = ["latest", "blessed"])]
    pub(crate) newest: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// NAME.VERSION
    pub(crate) package: String,
    /// The run: `latest`, an id, or the beginning of one [default: the newest that has a log]
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Runs {
    /// At most the newest N runs
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) newest: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct OneRun {
    /// `latest`, an id, or the beginning of one
    pub(crate) run: String,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The run before: `latest`, an id, or the beginning of one
    pub(crate) before: String,
    /// The run after
    pub(crate) after: String,
}

#[derive(Debug, Args)]
pub(crate) struct Progress {
    /// Go on showing it until the run ends
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Locks {
    #[command(subcommand)]
    pub(crate) action: Option<LockAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LockAction {
    /// Remove lock files that nobody holds
    Clean {
        /// Leave files that are younger than this many seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
        min_age_s: u64,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Index {
    /// The run whose changes are wanted [default: the newest]
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Compact {
    /// The packages [default: all]
    pub(crate) packages: Vec<String>,
    /// Entries younger than this many days are not touched, but for --max-entries
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    pub(crate) max_age_days: u32,
    /// Keep at most so many entries of a package, young ones included, beyond those that other commands ask for
    #[arg(long, value_name = "N")]
    pub(crate) max_entries: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// Print what would be removed and why, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Keep what was used in the last so many days
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    pub(crate) min_age_days: u32,
    /// Remove older runs with their logs too, but not the newest N
    ///
    /// What began in the last --min-age-days days, or in the last minute, stays whatever N is, and so do `latest` and
    /// runs that may still be in progress.
    #[arg(long, value_name = "N")]
    pub(crate) keep_runs: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct Memo {
    #[command(subcommand)]
    pub(crate) action: MemoAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MemoAction {
    /// Remove what was not used for longest, until the cache takes no more than it may
    ///
    /// Several books may share a cache, so no book is looked at: what goes is made again when it is needed. Runs may use
    /// the cache at the same time.
    Trim(Trim),
}

#[derive(Debug, Args)]
pub(crate) struct Trim {
    /// The cache: the DIR of `run --memo DIR`
    #[arg(value_name = "DIR")]
    pub(crate) cache: PathBuf,
    /// How much disk it may take: bytes, or a number with k, M, G or T, powers of 1000. Its lists `known` and `recent`
    /// are not counted
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_size: u64,
    /// Keep what was used in the last so many hours, whatever the size
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub(crate) min_age_hours: u32,
    /// Print how much would be removed, and remove nothing; with --json, each file and why
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `10G`, `1.5T`, `20 GB`, `0`.
fn size(text: &str) -> Result<u64, String> {
    let malformed = || "it is not a number of bytes such as 10G or 500M".to_owned();
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    let scale: u64 = match unit.strip_suffix(['b', 'B']).unwrap_or(unit) {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        _ => return Err(malformed()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u64 = whole.parse().map_err(|_| malformed())?;
    let tenths: u64 = if fraction.len() == 1 {
        fraction.parse().map_err(|_| malformed())?
    } else {
        return Err(malformed());
    };
    let bytes = whole.checked_mul(scale).and_then(|bytes| bytes.checked_add(tenths * scale / 10));
    bytes.ok_or_else(|| "it is more than any disk holds".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Fsck {
    /// Mend what can be mended without losing anything
    #[arg(long)]
    pub(crate) repair: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Classify {
    /// Log files; `-` is standard input
    #[arg(required = true, value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Notify {
    /// slack, zulip, telegram, email or stdout
    pub(crate) channel: String,
    /// The text; `-` is standard input
    pub(crate) message: String,
    /// Print what would be sent, without secrets, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_shown() {
        for (text, bytes) in [
            ("0", 0),
            ("17", 17),
            ("17 B", 17),
            ("1k", 1_000),
            ("1.4 kB", 1_400),
            ("500M", 500_000_000),
            ("10G", 10_000_000_000),
            ("10 GB", 10_000_000_000),
            ("1.5T", 1_500_000_000_000),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "G", "-1", "1.25G", "1.", ".5G", "1..0", "10 Gi", "10GG", "ten", "1e9", "10 G B x"]
        {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert!(size("99999999999999999999").is_err());
        assert_eq!(size("99999999T"), Err("it is more than any disk holds".to_owned()));
    }
}
