use buildbook_history::Retention;
use buildbook_layout::Kind;
use buildbook_status_index::{Error, Problem, generate};

use crate::{World, entry, now, run, totals};

#[test]
fn two_runs_show_new_failures_recoveries_and_new_packages() {
    let world = World::new();
    for (package, first, second) in [
        ("breaks.1", "success", "build_failure"),
        ("heals.1", "build_failure", "success"),
        ("stays.1", "success", "success"),
    ] {
        world.record(package, 0, "h0", first, true);
        world.record(package, 1, "h1", second, true);
    }
    world.record("new.1", 1, "h1", "success", true);
    let generated = world.generate(1, None);
    assert_eq!(
        world.changes(1, None),
        [
            "breaks.1 h1! success -> build_failure: new_failure",
            "heals.1 h1! build_failure -> success: recovered"
        ]
    );
    let status = generated.status;
    assert_eq!(
        (status.run_id.as_str(), status.generated.as_str()),
        (run(1).as_str(), "2026-06-01T00:00:00Z")
    );
    assert_eq!(totals(&status.blessed_totals), [("build_failure", 1), ("success", 3)]);
    assert_eq!(totals(&status.non_blessed_totals), [("build_failure", 1), ("success", 2)]);
    assert_eq!(status.new_packages.iter().map(|package| package.as_str()).collect::<Vec<_>>(), ["new.1"]);
    assert!(generated.problems.is_empty());
}

#[test]
fn without_histories_everything_is_empty() {
    let world = World::new();
    let generated = world.generate(0, None);
    assert!(generated.status.blessed_totals.is_empty() && generated.status.changes.is_empty());
    assert!(generated.standings.is_empty() && generated.problems.is_empty());
    std::fs::write(world.history.tree().path(), "").unwrap();
    let error = generate(&world.history, &run(0), None, now()).unwrap_err();
    assert!(matches!(error, Error::Histories(_)), "{error}");
    assert_eq!(error.path(), world.history.tree().path());
}

/// C-S1: a torn history, and one that is not even a file.
#[test]
fn an_unreadable_package_is_reported_and_does_not_stop_the_others() {
    let world = World::new();
    for package in ["a.1", "good.1", "torn.1"] {
        world.record(package, 0, "h", "success", true);
    }
    let torn = world.history.tree().history(&"torn.1".parse().unwrap());
    let text = std::fs::read_to_string(&torn).unwrap();
    std::fs::write(&torn, text.clone() + "{\"ts\":\"2026-01-0").unwrap();
    let not_a_file = world.history.tree().history(&"bad.1".parse().unwrap());
    std::fs::create_dir_all(&not_a_file).unwrap();
    std::fs::create_dir(world.history.tree().path().join("no-version.")).unwrap();
    std::fs::create_dir(world.history.tree().path().join("empty.1")).unwrap();

    let generated = world.generate(0, None);
    assert_eq!(totals(&generated.status.blessed_totals), [("success", 3)]);
    match &generated.problems[..] {
        [
            Problem::Folder { source },
            Problem::Package { package, .. },
            Problem::Lines { package: torn, problems },
        ] => {
            assert!(source.path().ends_with("no-version."));
            assert_eq!((package.as_str(), torn.as_str(), problems.len()), ("bad.1", "torn.1", 1));
        }
        other => panic!("{other:?}"),
    }
}

/// C-S4: cached packages are not recorded again in every run.
#[test]
fn totals_count_packages_that_the_run_did_not_touch() {
    let world = World::new();
    world.record("a.1", 0, "h", "success", true);
    world.record("b.1", 0, "h", "build_failure", true);
    world.record("b.1", 1, "g", "success", false);
    let first = world.generate(1, None).status;
    assert_eq!(totals(&first.blessed_totals), [("build_failure", 1), ("success", 1)]);
    assert_eq!(totals(&first.non_blessed_totals), [("success", 1)]);
    let next = world.generate(9, Some(&first)).status;
    assert_eq!(
        (&next.blessed_totals, &next.non_blessed_totals),
        (&first.blessed_totals, &first.non_blessed_totals)
    );
    assert_eq!(next.changes, []);
}

#[test]
fn a_standing_tells_since_when() {
    let world = World::new();
    world.record("a.1", 0, "A", "success", true);
    world.record("a.1", 1, "B", "build_failure", true);
    world.record("a.1", 2, "C", "build_failure", true);
    world.record("a.1", 2, "D", "success", false);
    let mut blocked = entry(run(1).as_str(), "E", "doc_failure", false);
    blocked.failed_dep = Some("dep.1".to_owned());
    world.history.append(&"a.1".parse().unwrap(), &blocked).unwrap();
    let standings = world.generate(3, None).standings;
    let [build, doc] = &standings[..] else { panic!("{standings:?}") };
    assert_eq!((build.kind, build.category.as_str(), build.blessed), (Kind::Build, "build_failure", true));
    assert_eq!((build.build_hash.as_str(), build.run.as_str()), ("C", run(2).as_str()));
    assert_eq!(build.since_run, run(1).as_str(), "it broke with hash B");
    assert_eq!(build.since_ts, entry(run(1).as_str(), "", "", true).ts);
    assert_eq!((doc.kind, doc.blessed, doc.failed_dep.as_deref()), (Kind::Doc, false, Some("dep.1")));
}

#[test]
fn a_package_that_was_never_blessed_stands_as_its_newest_build_does() {
    let world = World::new();
    for (number, hash, category) in
        [(0, "A", "success"), (1, "B", "build_failure"), (2, "A", "success"), (2, "B", "build_failure")]
    {
        world.record("a.1", number, hash, category, false);
    }
    let standing = &world.generate(2, None).standings[0];
    assert_eq!((standing.build_hash.as_str(), standing.since_run.as_str()), ("B", run(1).as_str()));
    assert!(!standing.blessed);
}

#[test]
fn runs_without_a_proper_id_are_older_than_all_others() {
    let world = World::new();
    world.record("a.1", 1, "A", "success", true);
    world.history.append(&"a.1".parse().unwrap(), &entry("r99", "A", "build_failure", true)).unwrap();
    assert_eq!(world.generate(1, None).standings[0].category.as_str(), "success");
    assert_eq!(world.changes(1, None), ["a.1 A! build_failure -> success: unstable"]);
}

/// C-S7: the order of the folder is that of creation or of hashes, depending on the file system.
#[test]
fn the_answer_does_not_depend_on_the_order_of_the_folder() {
    let packages = ["m.1", "a.1", "z.1", "b.2", "b.10"];
    let texts: Vec<String> = [packages.to_vec(), packages.iter().rev().copied().collect()]
        .into_iter()
        .map(|order| {
            let world = World::new();
            for package in order {
                world.record(package, 0, "h", "success", true);
                world.record(package, 1, "g", "build_failure", true);
                world.record(package, 1, "h", "zzz", false);
            }
            let generated = world.generate(1, None);
            serde_json::to_string(&(generated.status, generated.standings)).unwrap()
        })
        .collect();
    assert_eq!(texts[0], texts[1]);
}

/// C-S2: the original scans all entries again for every hash.
#[test]
fn many_hashes_cost_no_more_than_many_entries() {
    let world = World::new();
    let entries: Vec<_> = (0..2)
        .flat_map(|number| {
            (0..30_000).map(move |hash| entry(run(number).as_str(), &hash.to_string(), "success", false))
        })
        .collect();
    world.history.append_all(&"a.1".parse().unwrap(), &entries).unwrap();
    let start = std::time::Instant::now();
    let generated = world.generate(1, None);
    assert_eq!(totals(&generated.status.non_blessed_totals), [("success", 30_000)]);
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

#[test]
fn compaction_does_not_move_the_day_on_which_a_package_broke() {
    let world = World::new();
    let hashes = ["A", "B", "A", "C"];
    for number in 0..120 {
        let category = if number < 50 { "success" } else { "build_failure" };
        world.record("a.1", number, hashes[number as usize % 4], category, true);
    }
    let before = world.generate(200, None).standings;
    assert_eq!(before[0].since_run, run(50).as_str());
    for max_entries in [None, Some(3)] {
        let retention = Retention { max_entries, ..Retention::days(0) };
        let compacted = world.history.compact(&"a.1".parse().unwrap(), &retention, now()).unwrap();
        assert!(compacted.lines_after < 20, "{compacted:?}");
        assert_eq!(world.generate(200, None).standings, before);
    }
}
