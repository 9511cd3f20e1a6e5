//! What a worker process is told to do.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};

/// What a worker does over and over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Adds entries to histories.
    Append,
    /// Compacts histories.
    Compact,
    /// Publishes folders.
    Publish,
    /// Starts runs, writes what happens in them, and finishes them.
    Run,
    /// Starts many runs at the same moment, and finishes them.
    Start,
    /// Replaces the index.
    Status,
    /// Builds layers, and uses those that are there.
    Build,
    /// Collects layers.
    Collect,
    /// Takes build locks and gives them back.
    Lock,
    /// Recovers what others left, cleans up locks, and sets broken lines aside.
    Mend,
}

impl Role {
    const ALL: [(Role, &'static str); 10] = [
        (Role::Append, "append"),
        (Role::Compact, "compact"),
        (Role::Publish, "publish"),
        (Role::Run, "run"),
        (Role::Start, "start"),
        (Role::Status, "status"),
        (Role::Build, "build"),
        (Role::Collect, "collect"),
        (Role::Lock, "lock"),
        (Role::Mend, "mend"),
    ];
}

/// What a worker process is told to do. It is handed over as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// What it does.
    pub role: Role,
    /// Its place among the workers. One after the other has it, never two at once.
    pub slot: usize,
    /// Its number, which no other worker of the book ever had; later workers have greater ones.
    pub writer: u64,
    /// Where its chance begins.
    pub seed: u64,
    /// After so many steps it ends. Without a limit, it goes on until it is killed.
    pub steps: Option<u64>,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, word) = Role::ALL[self.role as usize];
        write!(f, "{word} {} {} {}", self.slot, self.writer, self.seed)?;
        self.steps.map_or(Ok(()), |steps| write!(f, " {steps}"))
    }
}

impl FromStr for Task {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Task> {
        let words: Vec<&str> = text.split(' ').collect();
        let (word, numbers) = words.split_first().context("a task has a role")?;
        let (role, _) = Role::ALL
            .into_iter()
            .find(|(_, other)| other == word)
            .with_context(|| format!("there is no role {word:?}"))?;
        let numbers: Vec<u64> = numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>()?;
        let (slot, writer, seed, steps) = match numbers[..] {
            [slot, writer, seed] => (slot, writer, seed, None),
            [slot, writer, seed, steps] => (slot, writer, seed, Some(steps)),
            _ => bail!("a task has three numbers or four: {text:?}"),
        };
        Ok(Task { role, slot: usize::try_from(slot)?, writer, seed, steps })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_read_as_it_is_written() {
        for (role, word) in Role::ALL {
            for steps in [None, Some(7)] {
                let task = Task { role, slot: 3, writer: 12, seed: 9, steps };
                assert!(task.to_string().starts_with(word));
                assert_eq!(task.to_string().parse::<Task>().unwrap(), task);
            }
        }
        assert!("append 1 2".parse::<Task>().is_err());
        assert!("sleep 1 2 3".parse::<Task>().is_err());
    }
}
