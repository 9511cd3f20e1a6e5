//! The layers that a batch makes: what a good one is, and what is written about it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use buildbook::atomic_swap::{self, Durability, replace_file};
use buildbook::fsio;
use buildbook::gc;
use buildbook::layout::{LayerTree, PlatformTree, Timestamp};

use crate::plan::{Plan, Target};

/// The file in a layer's folder that has the list of its dependencies' folders, where no variable can hold it.
pub(super) const DEPS: &str = "deps";

/// The largest description of a layer that is read, in bytes.
const LIMIT: u64 = 16 << 20;

/// What `layer.json` says. The keys are those of the original's versions, so that its readers and ours agree;
/// `build_hash` is ours: the folder has only the first digits of it.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Metadata {
    package: String,
    exit_status: i64,
    #[serde(default)]
    deps: Vec<String>,
    #[serde(default)]
    hashes: Vec<String>,
    #[serde(default)]
    created: f64,
    #[serde(default)]
    parent_hashes: Vec<String>,
    #[serde(default)]
    timing: BTreeMap<String, f64>,
    #[serde(default)]
    created_at: String,
    build_hash: Option<String>,
}

/// Whether a target's layer is there, complete, and of exactly this hash.
pub(super) fn is_good(tree: &PlatformTree, target: &Target) -> bool {
    let path = tree.layer(&target.hash.layer()).metadata();
    let Ok(Some(bytes)) = fsio::read_file(&path, LIMIT) else { return false };
    serde_json::from_slice::<Metadata>(&bytes).is_ok_and(|metadata| {
        metadata.exit_status == 0
            && metadata.package == target.package.as_str()
            && metadata.build_hash.as_deref() == Some(target.hash.as_str())
    })
}

/// How long the note of a layer's use is good enough. A collection asks for the day.
const NOTED: Duration = Duration::from_secs(3600);

/// Whether it was noted a short while ago that a layer is used: when it was made, or by [`touch`].
pub(super) fn is_noted(tree: &PlatformTree, target: &Target, now: Timestamp) -> bool {
    let layer = tree.layer(&target.hash.layer());
    let noted = |path: &Path| {
        let written = std::fs::symlink_metadata(path).and_then(|metadata| metadata.modified()).ok()?;
        let written = written.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs_f64();
        // A time to come is a clock that was set back, and says nothing.
        Some((0.0..NOTED.as_secs_f64()).contains(&(now.as_unix_f64() - written)))
    };
    noted(&layer.metadata()) == Some(true) || noted(&layer.last_used()) == Some(true)
}

/// Marks a layer as used now, under its lock, so that a collection that runs at the same time leaves it alone.
/// `false` when it has just gone.
pub(super) fn touch(tree: &PlatformTree, target: &Target) -> anyhow::Result<bool> {
    Ok(gc::touch_layer(tree, &target.hash.layer(), Timestamp::now())?)
}

/// Writes about a layer that is about to be published. What it is published with decides its durability.
pub(super) fn describe(
    staging: &LayerTree,
    plan: &Plan,
    target: &Target,
    span: Duration,
    now: Timestamp,
) -> atomic_swap::Result<()> {
    let deps = || target.deps.iter().filter_map(|dep| plan.targets.get(*dep));
    let hashes: Vec<String> = deps().map(|dep| dep.hash.to_string()).collect();
    let metadata = Metadata {
        package: target.package.to_string(),
        exit_status: 0,
        deps: deps().map(|dep| dep.package.to_string()).collect(),
        hashes: hashes.clone(),
        created: now.as_unix_f64(),
        parent_hashes: hashes,
        timing: BTreeMap::from([("total".to_owned(), span.as_secs_f64())]),
        created_at: now.to_string(),
        build_hash: Some(target.hash.to_string()),
    };
    let bytes = serde_json::to_vec(&metadata).expect("words and numbers have a JSON form");
    let path = staging.metadata();
    // Nobody reads it before it is published, so it need not come to be in one step, unless the command made one.
    match fsio::op::create_new(&path) {
        Ok(file) => Ok(fsio::op::write_all(&file, &path, &bytes)?),
        Err(_) => replace_file(&path, &bytes, Durability::Cached),
    }
}
