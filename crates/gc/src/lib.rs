//! Decide what nothing needs any more, then remove exactly that.
//!
//! A farm's cache grows by a layer for every build and by a universe of documentation for every set of
//! dependencies. A collection has three steps, and the middle one is a pure function:
//!
//! 1. [`survey_layers`] and [`survey_universes`] look, and change nothing,
//! 2. [`plan_layers`] and [`plan_universes`] decide about every item, and say why it goes or stays,
//! 3. [`execute_layers`] and [`execute_universes`] remove what the plan says, or less.
//!
//! A dry run is the first two. [`gc_layers`], [`gc_universes`] and [`gc_all`] are all three.
//!
//! # What goes and what stays
//!
//! A **layer** (`build-<12 hex>`, `doc-<12 hex>`, `<12 hex>`) goes if no root names it, nobody holds its lock
//! `<layer>.lock`, it was not used for the minimum age, and no layer that stays was built upon it. It counts as
//! used when its folder, its `layer.json` or its `last_used` was last written, and when `layer.json` says it was
//! created; a layer without `layer.json`, which may still be in the making, also when anything in it was written.
//!
//! A layer whose `layer.json` makes no sense stays, unless [`Policy::remove_corrupt`] is set. While such a layer
//! stays, any layer could be its parent, so that all of them stay; each says so. A layer that is still in the
//! making does not have this effect: its builder must name the layers it builds upon as roots, or touch them.
//!
//! A **universe** (`html/u/<32 hex>`) goes if no `html/p/*/*/universes.json` names it and nothing in it was written
//! for the minimum age. If any of these files is missing or makes no sense, or a publication below `html/p` has not
//! ended, no universe goes, and the error names the file: what cannot be read may refer to anything.
//!
//! # What removing means
//!
//! One collection works on a folder at a time; it holds `gc.lock` there. Then, for the items in their order,
//! children before their parents:
//!
//! 1. take the layer's own lock, and look again: one that was used or replaced since the survey stays, and so do
//!    its parents,
//! 2. rename it to a name that only [`buildbook_atomic_swap`] makes; if that was a newer layer, put it back,
//! 3. remove the lock's file while it is held, unless the layer stays and the file was there before,
//! 4. when all are done, sync the folder, so that no name comes back after a power cut,
//! 5. delete what was renamed, on all cores.
//!
//! A collection that is killed before 5 ends leaves layers that are whole under their names, and such as have lost
//! their names; the next plan has the latter as items. A builder that wants to use a layer calls [`touch_layer`]:
//! either the layer is there and stays for the minimum age, or it has gone as a whole. Universes are treated in the
//! same way, without locks of their own.
//!
//! What is done is reported in the order of the plan, however many threads did it.
//!
//! # Cost
//!
//! A survey opens each layer's folder once and looks at every file in it, on all cores; it opens no file but
//! `layer.json` and such locks as are there. It and a plan take about 350 bytes of memory for a layer.
//!
//! # Limits
//!
//! Whatever else refers to layers, such as a list of what is built, has to be told by the caller; the results say
//! what was removed. Builders that neither touch nor lock what they build upon are safe only as far as the roots
//! and the minimum age protect them. Links are never followed to remove anything, and nothing is removed in which
//! a file system is mounted. A layer behind a link stays, and what it was built upon with it. Lock files without a
//! layer are for `buildbook-build-lock` to clean up.
//!
//! A program that waits for the lock of a layer that goes, and does not look whether the name still stands for the
//! file once it has it, as builders of the original do not, holds a lock that nobody sees.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use buildbook_gc::{Policy, Roots, execute_layers, plan_layers, survey_layers, touch_layer};
//! use buildbook_layout::{LayerName, PlatformTree, Timestamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let tree = PlatformTree::at(folder);
//! for layer in ["build-000000000001", "build-000000000002", "build-000000000003"] {
//!     std::fs::create_dir(folder.join(layer))?;
//! }
//! std::fs::create_dir(folder.join("not-a-layer"))?;
//!
//! let roots: Roots = ["build-000000000001"].into_iter().collect();
//! let policy = Policy { min_age: Duration::ZERO, ..Policy::default() };
//! let plan = plan_layers(survey_layers(&tree)?, &roots, &policy, Timestamp::now());
//! let goes: Vec<&str> = plan.removals().map(|item| item.name.as_str()).collect();
//! assert_eq!(goes, ["build-000000000002", "build-000000000003"]);
//!
//! // A builder is quicker.
//! let wanted: LayerName = "build-000000000003".parse()?;
//! assert!(touch_layer(&tree, &wanted, Timestamp::now())?);
//!
//! let result = execute_layers(&plan)?;
//! assert_eq!(result.removed.len(), 1);
//! assert!(tree.layer(&wanted).path().is_dir());
//! assert!(!folder.join("build-000000000002").exists());
//! # Ok(())
//! # }
//! ```

mod all;
mod error;
mod family;
mod item;
mod layers;
mod metadata;
mod mounts;
mod plan;
mod policy;
mod references;
mod survey;
mod sweep;
mod touch;
mod universes;
mod usage;

pub use all::{gc_all, plan_all};
pub use error::Error;
pub use item::{Decision, Item, KeepReason, RemoveReason};
pub use layers::{LayerGcResult, LayerPlan, execute_layers, gc_layers, plan_layers};
pub use plan::Plan;
pub use policy::{Policy, Roots};
pub use references::collect_referenced_universes;
pub use survey::{LayerSurvey, survey_layers};
pub use sweep::{GcResult, Removed, SkipReason, Skipped};
pub use touch::touch_layer;
pub use universes::{
    UniverseGcResult, UniversePlan, UniverseSurvey, execute_universes, gc_universes, plan_universes,
    survey_universes,
};

/// The result of an operation of a collection.
pub type Result<T> = std::result::Result<T, Error>;
