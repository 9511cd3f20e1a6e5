//! Two batches kept by hand through the facade; then every reader must agree with what was written.

use std::time::Duration;

use buildbook::atomic_swap::{Durability, Swap, recover};
use buildbook::batch_util::{Exit, classify_build};
use buildbook::build_lock::{BuildLocks, Holder, LockName};
use buildbook::fsio::create_folders;
use buildbook::gc::{Policy, Roots, plan_all};
use buildbook::history::{Entry, History};
use buildbook::layout::{Book, BuildHash, Category, LayerName, LayerTree, PlatformTree, RunId, Timestamp};
use buildbook::progress::{self, Phase, Progress};
use buildbook::runlog::{Counts, Dag, Event, EventKind, EventStatus, Failure, Node, Plan, RunLog, RunState};
use buildbook::status_index::{self, Status, What};
use buildbook_tests::Snapshot;

use crate::{at, entry, package};

/// `base`, and `top` above it.
const PACKAGES: [&str; 2] = ["base.1", "top.2.0"];
const FAILURE: &str = "cc -c a.c\nE: Unable to locate package libfoo-dev\n";

struct Farm {
    folder: tempfile::TempDir,
    book: Book,
}

/// What a batch wrote, to compare with what is read.
struct Written {
    run: RunId,
    entries: Vec<(&'static str, Entry)>,
    events: Vec<Event>,
    status: Status,
}

impl Farm {
    fn new() -> Farm {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::at(folder.path().join("book"));
        Farm { folder, book }
    }

    fn tree(&self) -> PlatformTree {
        self.book.platform(&"debian-12-x86_64".parse().unwrap())
    }

    fn history(&self) -> History {
        History::at(self.tree().packages())
    }

    fn log(&self) -> RunLog {
        RunLog::at(self.book.logs())
    }

    fn locks(&self) -> BuildLocks {
        BuildLocks::at(self.book.locks())
    }

    /// Builds both packages at the given time. `base` fails when it `breaks`, and `top` is not built then.
    fn batch(&self, now: Timestamp, hashes: [&BuildHash; 2], breaks: bool) -> Written {
        create_folders(self.tree().path()).unwrap();
        recover(self.tree().path()).unwrap();
        let (log, history, locks) = (self.log(), self.history(), self.locks());
        let run = log.start_run(now).unwrap();
        run.write_plan(&Plan { targets: 2, ..Plan::default() }, now).unwrap();
        run.write_dag(&Dag { build_nodes: 2, cached: 0, need_build: 2 }, now).unwrap();
        let nodes = [0, 1].map(|n| Node {
            hash: hashes[n].to_string(),
            pkg: package(PACKAGES[n]),
            deps: hashes[..n].iter().map(ToString::to_string).collect(),
        });
        run.write_dag_structure(&nodes).unwrap();
        let mut progress = Progress::create(run.id().clone(), log.format_time(now), PACKAGES)
            .set_phase(Phase::Building)
            .set_build_total(2);
        let mut written =
            Written { run: run.id().clone(), entries: Vec::new(), events: Vec::new(), status: empty() };

        for (name, hash) in PACKAGES.into_iter().zip(hashes) {
            let layer = hash.layer();
            let holder =
                Holder { layer: Some(layer.clone()), run: Some(run.id().clone()), ..Holder::since(now) };
            let lock = locks.acquire(&LockName::build(&package(name)), &holder).unwrap();
            // Who looks now sees this build and no other, and how far the run is.
            let active = locks.list_active().unwrap();
            assert_eq!(
                active.locks.iter().map(|lock| lock.layer_name.clone()).collect::<Vec<_>>(),
                [Some(layer.to_string())]
            );
            assert_eq!(active.locks[0].run.as_deref(), Some(run.id().as_str()));
            progress::write(run.run_dir(), &mut progress, now).unwrap();
            assert_eq!(progress::read(run.run_dir()).unwrap(), Some(progress.clone()));
            assert_eq!(log.state(run.id()).unwrap(), RunState::InProgress);

            let (result, event) = self.build(run.id(), now, name, hash, breaks);
            history.append_synced(&package(name), &result).unwrap();
            run.log_build_result(&event, now).unwrap();
            if event.status != EventStatus::Cascade {
                let source = self.folder.path().join("build.log");
                assert!(run.add_build_log(&package(name), &source).unwrap());
            }
            progress = progress.incr_build_completed();
            written.entries.push((name, result));
            written.events.push(event);
            lock.release().unwrap();
        }

        progress::delete(run.run_dir()).unwrap();
        let good = written.events.iter().filter(|event| event.status == EventStatus::Ok).count() as u64;
        let failures = written.entries.iter().filter(|(_, entry)| !entry.succeeded());
        let failures: Vec<Failure> = failures
            .map(|(name, entry)| Failure { package: (*name).to_owned(), error: entry.category.to_string() })
            .collect();
        let counts = Counts {
            targets_requested: 2,
            packages_built: good,
            packages_failed: 2 - good,
            docs_generated: 0,
            failures,
        };
        let end = Timestamp::from_unix(now.as_unix() + 60).unwrap();
        run.finish_run(counts, end).unwrap();
        let previous = status_index::read(self.tree().path()).unwrap();
        let generated = status_index::generate(&history, &written.run, previous.as_ref(), end).unwrap();
        assert!(generated.problems.is_empty(), "{:?}", generated.problems);
        status_index::write(self.tree().path(), &generated.status, Durability::Synced).unwrap();
        written.status = generated.status;
        written
    }

    /// What becomes of one package: its layer, its entry and its event.
    fn build(
        &self,
        run: &RunId,
        now: Timestamp,
        name: &str,
        hash: &BuildHash,
        breaks: bool,
    ) -> (Entry, Event) {
        let layer = hash.layer();
        let event = |status| Event::new(EventKind::Build, package(name), hash.as_str(), status);
        let result = |category: &str| entry(run.as_str(), now, layer.as_str(), category);
        let (is_base, log) = (name == PACKAGES[0], self.folder.path().join("build.log"));
        if breaks && is_base {
            std::fs::write(&log, FAILURE).unwrap();
            let verdict = classify_build(FAILURE, Exit::Code(100));
            let error = verdict.message().map(str::to_owned);
            let event =
                Event { category: Some(Category::new(&*verdict.category)), ..event(EventStatus::Fail) };
            return (Entry { error, ..result(&verdict.category) }, event);
        }
        if breaks {
            let failed_dep = Some(PACKAGES[0].to_owned());
            let event = Event { failed_dep: Some(package(PACKAGES[0])), ..event(EventStatus::Cascade) };
            return (Entry { failed_dep, ..result(Category::DEPENDENCY_FAILURE) }, event);
        }
        std::fs::write(&log, "built\n").unwrap();
        let swap = Swap::prepare(self.tree().layer(&layer).path()).unwrap();
        let staging = LayerTree::at(swap.staging());
        std::fs::write(staging.metadata(), r#"{"exit_status":0,"parent_hashes":[]}"#).unwrap();
        swap.commit(Durability::Synced).unwrap();
        (result(Category::SUCCESS), event(EventStatus::Ok))
    }
}

fn empty() -> Status {
    status_index::generate(
        &History::at(buildbook::layout::PackagesTree::at("no such folder")),
        &"2026-03-09-125444".parse().unwrap(),
        None,
        at("2026-03-09T12:54:44Z"),
    )
    .unwrap()
    .status
}

fn hash(digit: &str) -> BuildHash {
    digit.repeat(32).parse().unwrap()
}

#[test]
fn every_reader_agrees_with_what_a_batch_wrote() {
    let farm = Farm::new();
    let [old_base, old_top, new_base, new_top] = ["a", "b", "c", "d"].map(hash);
    let first = farm.batch(at("2026-03-09T12:54:44Z"), [&old_base, &old_top], false);
    let second = farm.batch(at("2026-03-10T12:54:44Z"), [&new_base, &new_top], true);

    let before = Snapshot::take(farm.folder.path()).unwrap();
    let (log, history) = (farm.log(), farm.history());
    let found = log.runs().unwrap();
    assert!(found.problems.is_empty());
    let runs: Vec<_> = found.runs.iter().map(|run| (&run.id, run.state)).collect();
    assert_eq!(runs, [(&first.run, RunState::Finished), (&second.run, RunState::Finished)]);
    assert_eq!(log.latest().unwrap().as_ref(), Some(&second.run));

    for (written, hashes) in [(&first, [&old_base, &old_top]), (&second, [&new_base, &new_top])] {
        let events = log.events(&written.run).unwrap();
        assert!(events.problems.is_empty() && !events.cut_off);
        let events: Vec<Event> = events.events.into_iter().map(|logged| logged.event).collect();
        assert_eq!(events, written.events);
        assert_eq!(log.plan(&written.run).unwrap().unwrap().record.targets, 2);
        assert_eq!(log.dag(&written.run).unwrap().unwrap().record.need_build, 2);
        let nodes = log.dag_structure(&written.run).unwrap().nodes;
        assert_eq!(
            nodes.iter().map(|node| node.hash.as_str()).collect::<Vec<_>>(),
            hashes.map(BuildHash::as_str)
        );
        assert_eq!(
            progress::read(log.tree().run(&written.run).path()).unwrap(),
            None,
            "nothing is in flight"
        );
    }
    let summary = log.summary(&second.run).unwrap().unwrap();
    assert_eq!((summary.packages_built, summary.packages_failed, summary.duration), (0, 2, 60.0));
    let failures = summary.failures.into_iter().map(|failure| (failure.package, failure.error));
    assert_eq!(
        failures.collect::<Vec<_>>(),
        [("base.1", "depext_unavailable"), ("top.2.0", "dependency_failure")]
            .map(|(package, category)| (package.to_owned(), category.to_owned()))
    );
    let kept = log.tree().run(&second.run).build_log(&package("base.1"));
    assert_eq!(std::fs::read_to_string(kept).unwrap(), FAILURE);

    for (n, name) in PACKAGES.into_iter().enumerate() {
        let reading = history.read(&package(name)).unwrap();
        assert!(reading.problems.is_empty());
        assert_eq!(
            reading.entries,
            [second.entries[n].1.clone(), first.entries[n].1.clone()],
            "newest first"
        );
    }
    assert_eq!(second.entries[0].1.error.as_deref(), Some("E: Unable to locate package libfoo-dev"));

    let locks = farm.locks();
    assert!(locks.list_active().unwrap().locks.is_empty());
    assert_eq!(std::fs::read_dir(locks.folder()).unwrap().count(), 0, "a release leaves no file");
    let after = Snapshot::take(farm.folder.path()).unwrap();
    assert_eq!(before.differences(&after), Vec::<String>::new(), "reading changed something");
}

#[test]
fn a_batch_that_breaks_and_mends_shows_in_the_index() {
    let farm = Farm::new();
    let [base, top, other_base, other_top] = ["a", "b", "c", "d"].map(hash);
    let changes = |written: &Written| -> Vec<(String, Option<What>)> {
        written.status.changes.iter().map(|change| (change.package.to_string(), change.what)).collect()
    };
    let totals = |written: &Written| -> Vec<(String, u64)> {
        written.status.blessed_totals.iter().map(|(category, count)| (category.to_string(), *count)).collect()
    };
    let named = |what: [(&str, u64); 2]| what.map(|(category, count)| (category.to_owned(), count)).to_vec();

    let first = farm.batch(at("2026-03-09T12:54:44Z"), [&base, &top], false);
    assert_eq!(first.status.new_packages, PACKAGES.map(package));
    assert_eq!((changes(&first), totals(&first)), (vec![], vec![("success".to_owned(), 2)]));
    let broken = farm.batch(at("2026-03-10T12:54:44Z"), [&other_base, &other_top], true);
    assert_eq!(
        changes(&broken),
        [("base.1".to_owned(), Some(What::NewFailure)), ("top.2.0".to_owned(), Some(What::Blocked))]
    );
    assert_eq!(totals(&broken), named([("dependency_failure", 1), ("depext_unavailable", 1)]));
    let mended = farm.batch(at("2026-03-11T12:54:44Z"), [&base, &top], false);
    assert_eq!(
        changes(&mended),
        [("base.1".to_owned(), Some(What::Recovered)), ("top.2.0".to_owned(), Some(What::Unblocked))]
    );
    assert_eq!(status_index::read(farm.tree().path()).unwrap(), Some(mended.status));
}

#[test]
fn what_the_histories_stand_on_is_what_a_collection_keeps() {
    let farm = Farm::new();
    let [base, top, new_base, new_top] = ["a", "b", "c", "d"].map(hash);
    farm.batch(at("2026-03-09T12:54:44Z"), [&base, &top], false);
    farm.batch(at("2026-03-10T12:54:44Z"), [&new_base, &new_top], false);
    let history = farm.history();
    let needed: Roots = PACKAGES
        .iter()
        .filter_map(|name| history.read_blessed(&package(name)).unwrap().entry)
        .map(|entry| entry.build_hash)
        .collect();
    let before = Snapshot::take(farm.folder.path()).unwrap();
    let policy = Policy { min_age: Duration::ZERO, ..Policy::default() };
    let now = at("2100-01-01T00:00:00Z");
    let (layers, universes) = plan_all(&farm.tree(), &farm.book.html(), &needed, &policy, now);
    let (layers, universes) = (layers.unwrap(), universes.unwrap());
    let mut goes: Vec<&str> = layers.removals().map(|item| item.name.as_str()).collect();
    goes.sort_unstable();
    assert_eq!(goes, [base.layer(), top.layer()].iter().map(LayerName::as_str).collect::<Vec<_>>());
    assert_eq!((layers.problems.len(), universes.removals().count()), (0, 0));
    let after = Snapshot::take(farm.folder.path()).unwrap();
    assert_eq!(before.differences(&after), Vec::<String>::new(), "a plan changed something");
}
