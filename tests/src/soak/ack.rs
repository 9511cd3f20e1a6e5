//! What a worker says it has done, a line each, before it goes on.

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use buildbook::layout::RunId;

/// What stands before each line, so that what else a process prints is not taken for one.
const MARK: &str = "said: ";

/// Something that was done, or seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ack {
    /// An entry that must be kept is in the history of a package. `synced` ones survive a power cut.
    Entry {
        package: usize,
        writer: u64,
        number: u64,
        synced: bool,
    },
    /// An entry that compaction may take is in the history of a package.
    Chaff {
        package: usize,
        slot: usize,
        writer: u64,
        number: u64,
    },
    /// A history was compacted; so many lines went.
    Compacted {
        removed: u64,
    },
    /// A folder was published under the name of a slot.
    Published {
        slot: usize,
        writer: u64,
        number: u64,
    },
    /// A folder was published under the name that all slots share.
    PublishedShared,
    RunStarted(RunId),
    /// The run has so many events.
    Event(RunId, u64),
    /// The progress of a run was written.
    Progress(RunId),
    RunFinished(RunId),
    Status {
        writer: u64,
        number: u64,
    },
    /// A layer was built.
    Built,
    /// A layer was there, was touched and looked at; in time to say that it had to be there.
    Used {
        in_time: bool,
    },
    /// So many layers were collected.
    Collected(u64),
    /// A lock was held while its counter was raised to this.
    Counted {
        lock: usize,
        number: u64,
    },
    /// So many leftovers were recovered, and so many lines set aside.
    Mended {
        leftovers: u64,
        lines: u64,
    },
    /// Something is not as it must be.
    Bad(String),
}

impl Ack {
    /// Says it in one write, so that it is said whole or not at all.
    pub(crate) fn say(&self, out: &mut dyn Write) -> Result<()> {
        out.write_all(format!("{MARK}{self}\n").as_bytes())?;
        Ok(out.flush()?)
    }

    /// What a line says; `None` for a line of somebody else.
    pub(crate) fn heard(line: &str) -> Option<Result<Ack>> {
        line.split_once(MARK).map(|(_, words)| words.parse())
    }
}

impl fmt::Display for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ack::Entry { package, writer, number, synced } => {
                write!(f, "entry {package} {writer} {number} {}", u64::from(*synced))
            }
            Ack::Chaff { package, slot, writer, number } => {
                write!(f, "chaff {package} {slot} {writer} {number}")
            }
            Ack::Compacted { removed } => write!(f, "compacted {removed}"),
            Ack::Published { slot, writer, number } => write!(f, "published {slot} {writer} {number}"),
            Ack::PublishedShared => write!(f, "shared"),
            Ack::RunStarted(id) => write!(f, "started {id}"),
            Ack::Event(id, number) => write!(f, "event {id} {number}"),
            Ack::Progress(id) => write!(f, "progress {id}"),
            Ack::RunFinished(id) => write!(f, "finished {id}"),
            Ack::Status { writer, number } => write!(f, "status {writer} {number}"),
            Ack::Built => write!(f, "built"),
            Ack::Used { in_time } => write!(f, "used {}", u64::from(*in_time)),
            Ack::Collected(layers) => write!(f, "collected {layers}"),
            Ack::Counted { lock, number } => write!(f, "counted {lock} {number}"),
            Ack::Mended { leftovers, lines } => write!(f, "mended {leftovers} {lines}"),
            // On one line, and short enough for one write into a pipe.
            Ack::Bad(text) => {
                write!(f, "bad {}", text.replace('\n', " ").chars().take(900).collect::<String>())
            }
        }
    }
}

impl FromStr for Ack {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Ack> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut words = rest.split(' ');
        let mut number = || -> Result<u64> {
            let word = words.next().with_context(|| format!("too few words in {text:?}"))?;
            word.parse().with_context(|| format!("{word:?} in {text:?}"))
        };
        Ok(match word {
            "entry" => Ack::Entry {
                package: usize::try_from(number()?)?,
                writer: number()?,
                number: number()?,
                synced: number()? == 1,
            },
            "chaff" => Ack::Chaff {
                package: usize::try_from(number()?)?,
                slot: usize::try_from(number()?)?,
                writer: number()?,
                number: number()?,
            },
            "compacted" => Ack::Compacted { removed: number()? },
            "published" => {
                Ack::Published { slot: usize::try_from(number()?)?, writer: number()?, number: number()? }
            }
            "shared" => Ack::PublishedShared,
            "started" => Ack::RunStarted(rest.parse()?),
            "event" => {
                let (id, number) = rest.split_once(' ').context("an event has a number")?;
                Ack::Event(id.parse()?, number.parse()?)
            }
            "progress" => Ack::Progress(rest.parse()?),
            "finished" => Ack::RunFinished(rest.parse()?),
            "status" => Ack::Status { writer: number()?, number: number()? },
            "built" => Ack::Built,
            "used" => Ack::Used { in_time: number()? == 1 },
            "collected" => Ack::Collected(number()?),
            "counted" => Ack::Counted { lock: usize::try_from(number()?)?, number: number()? },
            "mended" => Ack::Mended { leftovers: number()?, lines: number()? },
            "bad" => Ack::Bad(rest.to_owned()),
            _ => bail!("nobody says {text:?}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let run: RunId = "2026-03-09-125444-002".parse().unwrap();
        let all = [
            Ack::Entry { package: 1, writer: 2, number: 3, synced: true },
            Ack::Chaff { package: 1, slot: 2, writer: 3, number: 4 },
            Ack::Compacted { removed: 5 },
            Ack::Published { slot: 1, writer: 2, number: 3 },
            Ack::PublishedShared,
            Ack::RunStarted(run.clone()),
            Ack::Event(run.clone(), 6),
            Ack::Progress(run.clone()),
            Ack::RunFinished(run),
            Ack::Status { writer: 1, number: 2 },
            Ack::Built,
            Ack::Used { in_time: true },
            Ack::Collected(7),
            Ack::Counted { lock: 1, number: 8 },
            Ack::Mended { leftovers: 1, lines: 2 },
            Ack::Bad("it is torn".to_owned()),
        ];
        for ack in all {
            let mut line = b"test plays_its_role ... ".to_vec();
            ack.say(&mut line).unwrap();
            let line = String::from_utf8(line).unwrap();
            assert_eq!(Ack::heard(line.trim_end()).unwrap().unwrap(), ack);
        }
        assert!(Ack::heard("running 1 test").is_none());
        assert!(Ack::heard("said: entry 1 2").unwrap().is_err());
    }
}
