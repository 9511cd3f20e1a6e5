//! Plans: what is to be built, read from a file and checked before anything starts.
//!
//! ```json
//! {"targets": [{"package": "name.version", "command": ["make"], "deps": ["name.version"],
//!               "env": {}, "blessed": true, "timeout_s": 600,
//!               "inputs": ["src/main.c"], "outputs": ["bin"]}]}
//! ```
//!
//! `package` and `command` are required. `blessed` is true where it is left out. `inputs` are files that the command
//! reads, from the plan's folder on; `outputs` are what is kept of what it makes, from its own folder on.

mod declared;
mod file;
mod graph;
mod hash;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use buildbook::layout::{BuildHash, PackageId};

pub(crate) use declared::{Input, Look};
pub(crate) use file::read;

/// The targets of a plan, checked: names are valid and unique, dependencies exist, and there is no cycle.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The folder of the file, absolute.
    pub(crate) folder: PathBuf,
    /// In the order of the file.
    pub(crate) targets: Vec<Target>,
    /// Positions in `targets`, every target after its dependencies.
    pub(crate) order: Vec<usize>,
}

/// One package to be built.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) package: PackageId,
    /// The program and its arguments; never empty.
    pub(crate) command: Vec<String>,
    /// Positions in [`Plan::targets`], in the order of the file.
    pub(crate) deps: Vec<usize>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) blessed: bool,
    /// How long the command may take.
    pub(crate) timeout: Option<Duration>,
    /// The files that the command reads, as far as they are declared, by name.
    pub(crate) inputs: Vec<Input>,
    /// What is kept of what the command makes, relative to its folder; an empty path is the folder. If there are none,
    /// everything is kept, and nothing is known about it.
    pub(crate) outputs: Vec<PathBuf>,
    /// Of everything that the result depends on.
    pub(crate) hash: BuildHash,
}

impl Plan {
    /// For each target, the positions of those that depend on it directly.
    pub(crate) fn dependents(&self) -> Vec<Vec<usize>> {
        let mut dependents = vec![Vec::new(); self.targets.len()];
        for (position, target) in self.targets.iter().enumerate() {
            for dep in &target.deps {
                if let Some(list) = dependents.get_mut(*dep) {
                    list.push(position);
                }
            }
        }
        dependents
    }
}
