//! What happened in a run, a line each.

use std::collections::HashMap;

use buildbook_layout::{Category, PackageId};
use serde::{Deserialize, Serialize};

use crate::{BadLine, EventKind, EventStatus, Via};

/// How one node of the graph ended: a line of `build.jsonl`, without its time.
///
/// The keys up to `failed_dep` are those of the original, the rest are additions that its readers pass over.
/// Keys without a value are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What the node is for.
    pub kind: EventKind,
    /// The package, `name.version`.
    pub pkg: PackageId,
    /// The hash of the node's inputs, in full.
    pub hash: String,
    /// How it ended.
    pub status: EventStatus,
    /// The folder of its layer; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub layer_dir: String,
    /// The package whose failure kept this one from being tried, `name.version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_dep: Option<PackageId>,
    /// Why it failed, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// What it failed with: the line of its log that decided the category, or a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The number of the line of its log, from 1, that decided the category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// How the result came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

impl Event {
    /// An event with what every event has. The other fields are empty, and public.
    pub fn new(kind: EventKind, pkg: PackageId, hash: impl Into<String>, status: EventStatus) -> Self {
        Event {
            kind,
            pkg,
            hash: hash.into(),
            status,
            layer_dir: String::new(),
            failed_dep: None,
            category: None,
            error: None,
            seconds: None,
            line: None,
            via: None,
        }
    }
}

/// A line of `build.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    /// When it was written, `YYYY-MM-DDTHH:MM:SS` in the writer's local time, which it does not tell.
    #[serde(default)]
    pub t: String,
    /// The event, whose keys follow in the same object.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened in a run, as far as its file can be read.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Events {
    /// The events, oldest first.
    pub events: Vec<Logged>,
    /// The lines that could not be understood. Of very many, the last one here says how many more there are.
    pub problems: Vec<BadLine>,
    /// Whether the file ends in the middle of a line: one is being written at this moment, or its writer
    /// died over it. It is not among the problems.
    pub cut_off: bool,
}

impl Events {
    /// One result for each node, in the order in which the nodes first appear.
    ///
    /// A node, known by its hash, can have several lines: it was tried again, or, with the original, two
    /// parts of the program logged it, the second one with the coarser kind `build` for a tool and `doc` for a
    /// documentation step. So the last line of a hash wins, with the kind of the first. A line without a hash
    /// stands for itself.
    #[must_use]
    pub fn results(&self) -> Vec<Logged> {
        let mut position_of: HashMap<&str, usize> = HashMap::new();
        let mut results: Vec<Logged> = Vec::new();
        for logged in &self.events {
            let hash = logged.event.hash.as_str();
            let earlier = position_of.get(hash).and_then(|position| results.get_mut(*position));
            if let Some(earlier) = earlier {
                let kind = earlier.event.kind.clone();
                *earlier = Logged { event: Event { kind, ..logged.event.clone() }, t: logged.t.clone() };
            } else {
                if !hash.is_empty() {
                    position_of.insert(hash, results.len());
                }
                results.push(logged.clone());
            }
        }
        results
    }
}
