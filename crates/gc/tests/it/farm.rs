//! A pretend farm on a real file system.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use buildbook_gc::{Decision, Item, LayerPlan, Plan, Policy, Roots, plan_layers, survey_layers};
use buildbook_layout::{HtmlTree, PlatformTree, Timestamp};

pub(crate) const DAY: u64 = 86_400;

/// The time of all tests. Whatever a test makes without saying when is later than this.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-03-09T12:54:44Z").unwrap()
}

pub(crate) fn policy() -> Policy {
    Policy { min_age: Duration::from_secs(7 * DAY), ..Policy::default() }
}

pub(crate) struct Farm {
    folder: tempfile::TempDir,
}

impl Farm {
    pub(crate) fn new() -> Farm {
        let farm = Farm { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(farm.tree().path()).unwrap();
        farm
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn tree(&self) -> PlatformTree {
        PlatformTree::at(self.root().join("debian 12; rm -rf '$HOME'"))
    }

    pub(crate) fn html(&self) -> HtmlTree {
        HtmlTree::at(self.root().join("html"))
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.tree().path().join(name)
    }

    /// A finished layer, built upon others, that was last used so many days ago.
    pub(crate) fn layer(&self, name: &str, parents: &[&str], days: u64) -> PathBuf {
        let json = serde_json::json!({"exit_status": 0, "parent_hashes": parents}).to_string();
        self.layer_saying(name, &json, days)
    }

    pub(crate) fn layer_saying(&self, name: &str, json: &str, days: u64) -> PathBuf {
        let layer = self.unfinished_layer(name, days);
        fs::write(layer.join("layer.json"), json).unwrap();
        age_tree(&layer, days * DAY);
        layer
    }

    /// A layer without a description.
    pub(crate) fn unfinished_layer(&self, name: &str, days: u64) -> PathBuf {
        let layer = self.at(name);
        fs::create_dir_all(layer.join("fs/lib")).unwrap();
        fs::write(layer.join("fs/lib/made"), name).unwrap();
        age_tree(&layer, days * DAY);
        layer
    }

    pub(crate) fn universe(&self, name: &str, days: u64) -> PathBuf {
        let universe = self.html().universes().join(name);
        let page = universe.join("anvil/1.2.0");
        fs::create_dir_all(&page).unwrap();
        fs::write(page.join("index.html"), name).unwrap();
        age_tree(&universe, days * DAY);
        universe
    }

    /// A published package and its references.
    pub(crate) fn publish(&self, package: &str, references: &str) -> PathBuf {
        let package = self.html().package(&package.parse().unwrap()).unwrap();
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("universes.json"), references).unwrap();
        package
    }

    pub(crate) fn plan(&self, roots: &[&str], policy: &Policy) -> LayerPlan {
        let roots: Roots = roots.iter().collect();
        plan_layers(survey_layers(&self.tree()).unwrap(), &roots, policy, now())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        names(self.tree().path())
    }
}

/// `{"universes": […]}`
pub(crate) fn references(universes: &[&str]) -> String {
    serde_json::json!({ "universes": universes }).to_string()
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The names of what a plan removes, in its order.
pub(crate) fn goes<Tree>(plan: &Plan<Tree>) -> Vec<&str> {
    plan.removals().map(|item| item.name.as_str()).collect()
}

pub(crate) fn item<'a, Tree>(plan: &'a Plan<Tree>, name: &str) -> &'a Item {
    plan.items.iter().find(|item| item.name == name).unwrap_or_else(|| panic!("{name} is not in the plan"))
}

/// Why an item stays or goes, in words.
pub(crate) fn reason<Tree>(plan: &Plan<Tree>, name: &str) -> String {
    match &item(plan, name).decision {
        Decision::Keep(reason) => reason.to_string(),
        Decision::Remove(reason) => format!("goes: {reason}"),
    }
}

/// Lets a file or a folder have been written so many seconds before [`now`].
pub(crate) fn age(path: &Path, seconds: u64) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(now().as_unix()).unwrap());
    File::open(path).unwrap().set_modified(now - Duration::from_secs(seconds)).unwrap();
}

pub(crate) fn age_tree(path: &Path, seconds: u64) {
    for entry in walkdir::WalkDir::new(path).contents_first(true) {
        let entry = entry.unwrap();
        if !entry.path_is_symlink() {
            age(entry.path(), seconds);
        }
    }
}

/// All that can be seen of a tree, its times and inodes included.
pub(crate) fn listing(folder: &Path) -> Vec<String> {
    walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .map(|entry| {
            let entry = entry.unwrap();
            let metadata = entry.path().symlink_metadata().unwrap();
            let times = (metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec());
            let what = (metadata.mode(), metadata.ino(), metadata.nlink(), metadata.size());
            format!("{} {what:?} {times:?}", entry.path().display())
        })
        .collect()
}
