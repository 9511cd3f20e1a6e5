//! The records of a run. Their fields are the keys of the files, in their order.

use buildbook_layout::{RunId, Timestamp};
use serde::{Deserialize, Serialize};

/// A record with the time of its writing, as `plan.json`, `solve.json`, `dag.json` and `doc_dag.json`
/// hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dated<T> {
    /// `YYYY-MM-DDTHH:MM:SS` in the writer's local time, which it does not tell.
    pub timestamp: String,
    /// The record, whose keys follow in the same object.
    #[serde(flatten)]
    pub record: T,
}

/// What was asked for: `plan.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Where packages come from, in the order in which a later one overrides an earlier one.
    pub repos: Vec<Repo>,
    /// How many targets there are. The key has a list of names in `progress.json`, and a number here.
    pub targets: u64,
    /// The compiler that was asked for, if one was; `null` otherwise.
    pub ocaml_version: Option<String>,
    /// Whether documentation is wanted.
    pub with_doc: bool,
    /// Whether all versions of a package are wanted rather than the newest.
    pub all_versions: bool,
    /// Whether only a small set of packages is wanted.
    pub small_universe: bool,
}

/// A source of packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repo {
    /// Where it is.
    pub path: String,
    /// The revision that was used.
    pub commit: String,
}

/// How many targets could be solved: `solve.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Solve {
    /// Targets with a solution.
    pub solved: u64,
    /// Targets without one.
    pub failed: u64,
}

/// How many builds there are: `dag.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dag {
    /// All of them.
    pub build_nodes: u64,
    /// Those whose result is there already.
    pub cached: u64,
    /// Those that have to be built.
    pub need_build: u64,
}

/// How many nodes there are with documentation: `doc_dag.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocDag {
    /// Packages to build.
    pub build_nodes: u64,
    /// Programs to build that documentation is made with.
    pub tool_nodes: u64,
    /// Packages to document in one go.
    pub doc_all_nodes: u64,
    /// First halves of documenting a package.
    pub compile_nodes: u64,
    /// Second halves of documenting a package.
    pub link_nodes: u64,
    /// The sum of the above.
    pub total: u64,
}

/// A node of the graph and what it needs: a line of `dag_structure.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The hash of its inputs.
    pub hash: String,
    /// The package, `name.version`.
    pub pkg: buildbook_layout::PackageId,
    /// The hashes of the nodes that it needs.
    pub deps: Vec<String>,
}

/// What a run came to, in the words of its caller. See [`Summary`], which has the same fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many targets were asked for.
    pub targets_requested: u64,
    /// How many packages were built.
    pub packages_built: u64,
    /// How many packages were not.
    pub packages_failed: u64,
    /// How many packages were documented.
    pub docs_generated: u64,
    /// What failed, in the order that is wanted in the file.
    pub failures: Vec<Failure>,
}

/// What a run came to: `summary.json`. A run is finished once it has one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The run.
    pub run_id: RunId,
    /// When it began, in seconds since the start of 1970 in UTC.
    pub start_time: f64,
    /// When it ended, likewise. Before the start, if the clock was set back meanwhile.
    pub end_time: f64,
    /// How long it took in seconds, never below 0.
    pub duration: f64,
    /// How many targets were asked for.
    pub targets_requested: u64,
    /// How many packages were built.
    pub packages_built: u64,
    /// How many packages were not.
    pub packages_failed: u64,
    /// How many packages were documented.
    pub docs_generated: u64,
    /// What failed.
    pub failures: Vec<Failure>,
}

/// Something that failed in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The package, `name.version`; text rather than a checked name, so that one odd name does not make a
    /// whole summary unreadable.
    pub package: String,
    /// The category of the failure, not a message.
    pub error: String,
}

impl Summary {
    /// When the run began; `None` for a number that is no time.
    #[must_use]
    pub fn started(&self) -> Option<Timestamp> {
        Timestamp::from_unix_f64(self.start_time)
    }

    /// When the run ended; `None` for a number that is no time.
    #[must_use]
    pub fn ended(&self) -> Option<Timestamp> {
        Timestamp::from_unix_f64(self.end_time)
    }
}
