//! `logs/runs/<run-id>/…` and `logs/latest`.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use buildbook_layout::{LayerName, LogTree, RunTree, Timestamp};

use super::Plan;
use crate::farm::Package;
use crate::spec::{LayerFacts, later};
use crate::{Json, Tree};

/// How long every run takes.
const SECONDS: i64 = 3600;

impl Plan<'_> {
    pub(super) fn write_runs(&self, tree: &mut Tree, layers: &[LayerFacts]) -> Result<()> {
        let logs = self.book.logs();
        let on_disk: BTreeSet<&LayerName> = layers.iter().map(|layer| &layer.name).collect();
        for run in 0..=self.spec.runs {
            let folder = logs.run(&self.run_id(run));
            tree.folder(folder.build_logs())?;
            tree.folder(folder.doc_logs())?;
            self.write_phases(tree, &folder, run)?;
            self.write_events(tree, &folder, run)?;
            if !self.spec.bare {
                self.write_logs(tree, &folder, run, &on_disk)?;
            }
            if run < self.spec.runs {
                tree.file(folder.summary(), self.summary(run).pretty())?;
                tree.changed_at(folder.summary(), later(self.spec.run_start(run), SECONDS));
            } else {
                tree.file(folder.progress(), self.progress(run).pretty())?;
                tree.changed_at(folder.progress(), later(self.spec.run_start(run), SECONDS / 2));
            }
        }
        match self.spec.runs.checked_sub(1) {
            Some(newest) => tree.link(logs.latest(), LogTree::latest_target(&self.run_id(newest))),
            None => Ok(()),
        }
    }

    /// The unfinished run was cut off half way.
    fn packages_in(&self, run: usize) -> &[Package] {
        let packages = &self.farm.packages;
        let all = packages.len();
        packages.get(..if run < self.spec.runs { all } else { all / 2 }).unwrap_or_default()
    }

    fn write_phases(&self, tree: &Tree, folder: &RunTree, run: usize) -> Result<()> {
        let nodes = self.farm.packages.len();
        let stamp = |seconds: i64| Json::from(local(later(self.spec.run_start(run), seconds)));
        let repos = [
            [("path", "/srv/farm/opam-repository"), ("commit", "0123456789abcdef0123456789abcdef01234567")],
            [("path", "/srv/farm/overlay \"x\""), ("commit", "89abcdef")],
        ];
        let repos = repos.map(|repo| Json::object(repo.map(|(key, value)| (key, value.into()))));
        let plan = Json::object([
            ("timestamp", stamp(1)),
            ("repos", Json::List(repos.into())),
            ("targets", nodes.into()),
            ("ocaml_version", if run.is_multiple_of(2) { "5.3.0".into() } else { Json::Null }),
            ("with_doc", true.into()),
            ("all_versions", false.into()),
            ("small_universe", false.into()),
        ]);
        let solve = Json::object([("timestamp", stamp(5)), ("solved", nodes.into()), ("failed", 0.into())]);
        let dag = Json::object([
            ("timestamp", stamp(6)),
            ("build_nodes", nodes.into()),
            ("cached", 0.into()),
            ("need_build", nodes.into()),
        ]);
        let doc_dag = Json::object([
            ("timestamp", stamp(7)),
            ("build_nodes", nodes.into()),
            ("tool_nodes", 1.into()),
            ("doc_all_nodes", nodes.into()),
            ("compile_nodes", 0.into()),
            ("link_nodes", 0.into()),
            ("total", (2 * nodes + 1).into()),
        ]);
        let structure = self.farm.packages.iter().map(|package| {
            let hash = |package: &Package| Json::from(package.outcomes[run].hash.as_str());
            let needs = package.needs.iter().map(|need| hash(&self.farm.packages[*need]));
            let (pkg, deps) = (package.id.as_str().into(), Json::List(needs.collect()));
            Json::object([("hash", hash(package)), ("pkg", pkg), ("deps", deps)]).line()
        });
        tree.file(folder.plan(), plan.pretty())?;
        tree.file(folder.solve(), solve.pretty())?;
        tree.file(folder.dag(), dag.pretty())?;
        tree.file(folder.doc_dag(), doc_dag.pretty())?;
        tree.file(folder.dag_structure(), structure.collect::<String>())
    }

    /// One line for every build, and one for every documentation that was generated.
    fn write_events(&self, tree: &Tree, folder: &RunTree, run: usize) -> Result<()> {
        let mut text = String::new();
        for (index, package) in self.packages_in(run).iter().enumerate() {
            let outcome = &package.outcomes[run];
            let time = later(self.spec.run_start(run), 30 + i64::try_from(index).unwrap_or(0));
            let status = match outcome.category {
                "success" => "ok",
                "dependency_failure" => "cascade",
                _ => "fail",
            };
            let event = |kind: &str| {
                Json::object([
                    ("t", local(time).into()),
                    ("kind", kind.into()),
                    ("pkg", package.id.as_str().into()),
                    ("hash", outcome.hash.as_str().into()),
                    ("status", status.into()),
                ])
            };
            let layer = (status == "fail" && outcome.has_layer())
                .then(|| format!("/srv/farm/cache/{}/{}", self.spec.platform, outcome.hash.layer()));
            let cause = outcome.root_cause.map(|cause| self.farm.packages[cause].id.as_str());
            text.push_str(
                &event("build").with_some("layer_dir", layer).with_some("failed_dep", cause).line(),
            );
            if outcome.is_success() && index % 2 == 0 {
                text.push_str(&event("doc-all").line());
            }
        }
        tree.file(folder.events(), text)
    }

    /// The first run has links to the logs of layers, as the original makes them where the system can; the
    /// others have copies.
    fn write_logs(
        &self,
        tree: &Tree,
        folder: &RunTree,
        run: usize,
        on_disk: &BTreeSet<&LayerName>,
    ) -> Result<()> {
        for (index, package) in self.packages_in(run).iter().enumerate() {
            let outcome = &package.outcomes[run];
            let layer = outcome.hash.layer();
            let log = folder.build_log(&package.id);
            if run == 0 && on_disk.contains(&layer) {
                let target = Path::new("../../../..").join(self.spec.platform.as_str()).join(layer.as_str());
                tree.link(log, target.join("layer.log"))?;
            } else if outcome.category != "dependency_failure" {
                let end = outcome.error.unwrap_or(outcome.category);
                tree.file(log, format!("=== {}\n[1/2] configure\n[2/2] build\n{end}\n", package.id))?;
            }
            if outcome.is_success() {
                let log = match index % 2 {
                    0 => folder.doc_log(&package.id),
                    _ => folder.doc_log_of_layer(&package.id, &layer),
                };
                tree.file(log, format!("=== documentation of {}\n", package.id))?;
            }
        }
        Ok(())
    }

    fn summary(&self, run: usize) -> Json {
        let packages = self.packages_in(run);
        let failed = || packages.iter().filter(|package| !package.outcomes[run].is_success());
        let built = packages.len() - failed().count();
        let failures = failed().map(|package| {
            let (id, error) = (package.id.as_str().into(), package.outcomes[run].category.into());
            Json::object([("package", id), ("error", error)])
        });
        let start = self.spec.run_start(run).as_unix();
        Json::object([
            ("run_id", self.run_id(run).as_str().into()),
            ("start_time", Json::seconds(start)),
            ("end_time", Json::seconds(start + SECONDS)),
            ("duration", Json::seconds(SECONDS)),
            ("targets_requested", packages.len().into()),
            ("packages_built", built.into()),
            ("packages_failed", failed().count().into()),
            ("docs_generated", built.into()),
            ("failures", Json::List(failures.collect())),
        ])
    }

    fn progress(&self, run: usize) -> Json {
        let (all, done) = (self.farm.packages.len(), self.packages_in(run).len());
        Json::object([
            ("run_id", self.run_id(run).as_str().into()),
            ("start_time", local(self.spec.run_start(run)).into()),
            ("phase", "building".into()),
            ("targets", Json::list(self.farm.packages.iter().map(|package| package.id.as_str()))),
            ("solutions_found", all.into()),
            ("solutions_failed", 0.into()),
            ("build_completed", done.into()),
            ("build_total", all.into()),
            ("doc_completed", 0.into()),
            ("doc_total", all.into()),
        ])
    }
}

/// Local time without a zone, on a machine whose zone is UTC.
fn local(time: Timestamp) -> String {
    let mut text = time.to_string();
    text.pop();
    text
}
