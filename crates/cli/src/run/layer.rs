//! The layers that a batch makes: what a good one is, and what is written about it.

use std::collections::BTreeMap;
use std::time::Duration;

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

/// For each target, whether its layer is good before the batch begins.
pub(super) fn good_layers(tree: &PlatformTree, plan: &Plan) -> Vec<bool> {
    plan.targets.iter().map(|target| is_good(tree, target)).collect()
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
    replace_file(&staging.metadata(), &bytes, Durability::Cached)
}
