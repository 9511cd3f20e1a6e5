//! Where everything lies.
//!
//! ```text
//! <root>/                                      Book
//!   logs/latest -> runs/<run id>               LogTree
//!   logs/runs/<run id>/…                       RunTree
//!   locks/*.lock
//!   html/p/<name>/<version>/universes.json     HtmlTree
//!   html/u/<universe>/
//!   <platform>/status.json  status.cache       PlatformTree
//!   <platform>/packages/<name.version>/…       PackagesTree
//!   <platform>/build-<12 hex>/…                LayerTree
//! ```
//!
//! Each tree can be made from its own folder, so that a part of the book can be used without the rest.

use std::path::{Path, PathBuf};

use crate::{LayerName, PackageId, Platform, RunId, Universe};

/// Declares a tree: a folder, and the names below it.
macro_rules! tree {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(PathBuf);

        impl $name {
            /// Names the tree in this folder. Nothing is created or looked at.
            pub fn at(folder: impl Into<PathBuf>) -> Self {
                $name(folder.into())
            }

            /// The folder itself.
            #[must_use]
            pub fn path(&self) -> &Path {
                &self.0
            }
        }
    };
}

tree! {
    /// The whole book.
    Book
}

impl Book {
    /// The runs and their logs.
    #[must_use]
    pub fn logs(&self) -> LogTree {
        LogTree(self.0.join("logs"))
    }

    /// The locks of builds in progress.
    #[must_use]
    pub fn locks(&self) -> PathBuf {
        self.0.join("locks")
    }

    /// The published documentation.
    #[must_use]
    pub fn html(&self) -> HtmlTree {
        HtmlTree(self.0.join("html"))
    }

    /// The cache of one platform.
    #[must_use]
    pub fn platform(&self, platform: &Platform) -> PlatformTree {
        PlatformTree(self.0.join(platform.as_str()))
    }
}

tree! {
    /// The runs: the original calls this folder the log base.
    LogTree
}

impl LogTree {
    /// The folder that has one folder for each run.
    #[must_use]
    pub fn runs(&self) -> PathBuf {
        self.0.join("runs")
    }

    /// One run.
    #[must_use]
    pub fn run(&self, id: &RunId) -> RunTree {
        RunTree(self.runs().join(id.as_str()))
    }

    /// The symbolic link to the newest finished run.
    #[must_use]
    pub fn latest(&self) -> PathBuf {
        self.0.join("latest")
    }

    /// What [`LogTree::latest`] holds when it names this run: relative, so that the tree can be moved.
    #[must_use]
    pub fn latest_target(id: &RunId) -> PathBuf {
        Path::new("runs").join(id.as_str())
    }
}

tree! {
    /// The folder of one run.
    RunTree
}

impl RunTree {
    /// What was asked for: `plan.json`.
    #[must_use]
    pub fn plan(&self) -> PathBuf {
        self.0.join("plan.json")
    }

    /// How many targets could be solved: `solve.json`.
    #[must_use]
    pub fn solve(&self) -> PathBuf {
        self.0.join("solve.json")
    }

    /// How many builds there are: `dag.json`.
    #[must_use]
    pub fn dag(&self) -> PathBuf {
        self.0.join("dag.json")
    }

    /// How many documentation steps there are: `doc_dag.json`.
    #[must_use]
    pub fn doc_dag(&self) -> PathBuf {
        self.0.join("doc_dag.json")
    }

    /// Every node and what it needs: `dag_structure.jsonl`.
    #[must_use]
    pub fn dag_structure(&self) -> PathBuf {
        self.0.join("dag_structure.jsonl")
    }

    /// What happened, a line each: `build.jsonl`.
    #[must_use]
    pub fn events(&self) -> PathBuf {
        self.0.join("build.jsonl")
    }

    /// How far the run is: `progress.json`.
    #[must_use]
    pub fn progress(&self) -> PathBuf {
        self.0.join("progress.json")
    }

    /// How the run ended: `summary.json`.
    #[must_use]
    pub fn summary(&self) -> PathBuf {
        self.0.join("summary.json")
    }

    /// The file that the process which writes this run keeps locked: `writer.lock`. The original has no
    /// such file.
    #[must_use]
    pub fn writer_lock(&self) -> PathBuf {
        self.0.join("writer.lock")
    }

    /// The folder of build logs.
    #[must_use]
    pub fn build_logs(&self) -> PathBuf {
        self.0.join("build")
    }

    /// The folder of documentation logs.
    #[must_use]
    pub fn doc_logs(&self) -> PathBuf {
        self.0.join("docs")
    }

    /// The build log of a package.
    #[must_use]
    pub fn build_log(&self, package: &PackageId) -> PathBuf {
        self.build_logs().join(format!("{package}.log"))
    }

    /// The documentation log of a package that has only one.
    #[must_use]
    pub fn doc_log(&self, package: &PackageId) -> PathBuf {
        self.doc_logs().join(format!("{package}.log"))
    }

    /// The documentation log of a package for one layer.
    #[must_use]
    pub fn doc_log_of_layer(&self, package: &PackageId, layer: &LayerName) -> PathBuf {
        self.doc_logs().join(format!("{package}.{layer}.log"))
    }
}

tree! {
    /// The cache of one platform.
    PlatformTree
}

impl PlatformTree {
    /// The histories of all packages.
    #[must_use]
    pub fn packages(&self) -> PackagesTree {
        PackagesTree(self.0.join("packages"))
    }

    /// Where every package stands.
    #[must_use]
    pub fn status(&self) -> PathBuf {
        self.0.join("status.json")
    }

    /// What the index remembers of the histories. It can be deleted at any time.
    #[must_use]
    pub fn status_cache(&self) -> PathBuf {
        self.0.join("status.cache")
    }

    /// One layer.
    #[must_use]
    pub fn layer(&self, layer: &LayerName) -> LayerTree {
        LayerTree(self.0.join(layer.as_str()))
    }

    /// The lock beside a layer: the original's later versions lock this file while they build it.
    #[must_use]
    pub fn layer_lock(&self, layer: &LayerName) -> PathBuf {
        self.0.join(format!("{layer}.lock"))
    }
}

tree! {
    /// The histories of all packages.
    PackagesTree
}

impl PackagesTree {
    /// The folder of one package.
    #[must_use]
    pub fn package(&self, package: &PackageId) -> PathBuf {
        self.0.join(package.as_str())
    }

    /// The history of one package: `history.jsonl`.
    #[must_use]
    pub fn history(&self, package: &PackageId) -> PathBuf {
        self.package(package).join("history.jsonl")
    }

    /// The way from this folder to the history of a package, in the place of what a text held. The text's memory
    /// serves for one package after another.
    pub fn history_from_here(package: &PackageId, way: &mut String) {
        way.clear();
        way.push_str(package.as_str());
        way.push_str("/history.jsonl");
    }

    /// What was taken out of the history of one package because no reader can use it: `history.unreadable`.
    #[must_use]
    pub fn unreadable_lines(&self, package: &PackageId) -> PathBuf {
        self.package(package).join("history.unreadable")
    }
}

tree! {
    /// The folder of one layer: what a build left.
    LayerTree
}

impl LayerTree {
    /// The files that the build made.
    #[must_use]
    pub fn files(&self) -> PathBuf {
        self.0.join("fs")
    }

    /// What was built, from what, and how it ended: `layer.json`.
    #[must_use]
    pub fn metadata(&self) -> PathBuf {
        self.0.join("layer.json")
    }

    /// What the build printed: `layer.log`.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.0.join("layer.log")
    }

    /// An empty file whose modification time says when the layer was last needed.
    #[must_use]
    pub fn last_used(&self) -> PathBuf {
        self.0.join("last_used")
    }
}

tree! {
    /// The published documentation.
    HtmlTree
}

impl HtmlTree {
    /// The documentation of blessed packages, in folders by name and version.
    #[must_use]
    pub fn blessed(&self) -> PathBuf {
        self.0.join("p")
    }

    /// The documentation of everything else, in folders by universe.
    #[must_use]
    pub fn universes(&self) -> PathBuf {
        self.0.join("u")
    }

    /// The blessed documentation of one package; `None` for a package without a version.
    #[must_use]
    pub fn package(&self, package: &PackageId) -> Option<PathBuf> {
        package.version().map(|version| self.blessed().join(package.name()).join(version))
    }

    /// The universes that a package's blessed documentation links to: `universes.json`.
    #[must_use]
    pub fn universes_file(&self, package: &PackageId) -> Option<PathBuf> {
        self.package(package).map(|folder| folder.join("universes.json"))
    }

    /// The documentation of one universe.
    #[must_use]
    pub fn universe(&self, universe: &Universe) -> PathBuf {
        self.universes().join(universe.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_where_dashboards_look() {
        let book = Book::at("r");
        let platform = book.platform(&"debian-12-x86_64".parse().unwrap());
        let package: PackageId = "a.1.0".parse().unwrap();
        let layer: LayerName = "build-0123456789ab".parse().unwrap();
        let run = book.logs().run(&"2026-03-09-125444".parse().unwrap());
        let universe: Universe = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let table = [
            (book.logs().latest(), "r/logs/latest"),
            (book.locks(), "r/locks"),
            (run.plan(), "r/logs/runs/2026-03-09-125444/plan.json"),
            (run.events(), "r/logs/runs/2026-03-09-125444/build.jsonl"),
            (run.build_log(&package), "r/logs/runs/2026-03-09-125444/build/a.1.0.log"),
            (run.doc_log(&package), "r/logs/runs/2026-03-09-125444/docs/a.1.0.log"),
            (
                run.doc_log_of_layer(&package, &layer),
                "r/logs/runs/2026-03-09-125444/docs/a.1.0.build-0123456789ab.log",
            ),
            (platform.status(), "r/debian-12-x86_64/status.json"),
            (platform.status_cache(), "r/debian-12-x86_64/status.cache"),
            (platform.packages().history(&package), "r/debian-12-x86_64/packages/a.1.0/history.jsonl"),
            (
                platform.packages().unreadable_lines(&package),
                "r/debian-12-x86_64/packages/a.1.0/history.unreadable",
            ),
            (platform.layer(&layer).metadata(), "r/debian-12-x86_64/build-0123456789ab/layer.json"),
            (platform.layer_lock(&layer), "r/debian-12-x86_64/build-0123456789ab.lock"),
            (book.html().universe(&universe), "r/html/u/0123456789abcdef0123456789abcdef"),
        ];
        for (path, expected) in table {
            assert_eq!(path, Path::new(expected));
        }
        let mut way = "something longer than what comes into its place".to_owned();
        PackagesTree::history_from_here(&package, &mut way);
        assert_eq!(platform.packages().path().join(way), platform.packages().history(&package));
        assert_eq!(
            book.html().universes_file(&package).as_deref(),
            Some(Path::new("r/html/p/a/1.0/universes.json"))
        );
        assert_eq!(
            LogTree::latest_target(&"2026-03-09-125444".parse().unwrap()),
            Path::new("runs/2026-03-09-125444")
        );
    }
}
