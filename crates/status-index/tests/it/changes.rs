use crate::World;

/// One package whose blessed results were these, a run each; the last change.
fn last_change(results: &[(&str, &str)]) -> Option<String> {
    let world = World::new();
    for (number, (hash, category)) in (0..).zip(results) {
        world.record("a.1", number, hash, category, true);
    }
    let last = u32::try_from(results.len()).unwrap() - 1;
    let changes = world.generate(last, None).status.changes;
    assert!(changes.len() <= 1, "{changes:?}");
    changes.first().map(|change| change.what.unwrap().as_str().to_owned())
}

#[test]
fn each_change_has_its_word() {
    type Row<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>);
    let table: [Row<'_>; 20] = [
        (&[("h1", "success"), ("h2", "build_failure")], Some("new_failure")),
        (&[("h1", "build_failure"), ("h2", "success")], Some("recovered")),
        (&[("h1", "build_failure"), ("h2", "depext_unavailable")], Some("still_failing_new_cause")),
        (&[("h1", "success"), ("h2", "success")], None),
        (&[("h1", "build_failure"), ("h2", "build_failure")], None),
        (&[("h1", "success"), ("h1", "build_failure")], Some("unstable")),
        (&[("h1", "build_failure"), ("h1", "success")], Some("unstable")),
        (&[("none", "success"), ("none", "build_failure")], Some("new_failure")),
        (&[("", "build_failure"), ("", "success")], Some("recovered")),
        (&[("h1", "success"), ("h2", "dependency_failure")], Some("blocked")),
        (&[("h1", "dependency_failure"), ("h2", "success")], Some("unblocked")),
        (&[("h1", "dependency_failure"), ("h1", "success")], Some("unblocked")),
        (&[("h1", "doc_success"), ("h2", "doc_dependency_failure")], Some("blocked")),
        (&[("h1", "success"), ("h1", "transient_failure")], Some("infra_failure")),
        (&[("h1", "transient_failure"), ("h1", "success")], Some("infra_cleared")),
        (&[("h1", "transient_failure"), ("h1", "build_failure")], Some("new_failure")),
        // The machine's trouble does not hide what was known before it.
        (&[("h1", "success"), ("h2", "transient_failure"), ("h3", "build_failure")], Some("new_failure")),
        (&[("h1", "success"), ("h2", "transient_failure"), ("h2", "success")], Some("infra_cleared")),
        (&[("h1", "build_failure"), ("h2", "transient_failure"), ("h3", "success")], Some("recovered")),
        (&[("h1", "success"), ("h2", "super_success")], Some("other")),
    ];
    for (results, what) in table {
        assert_eq!(last_change(results).as_deref(), what, "{results:?}");
    }
}

/// C-S5: the hash moved with the inputs, so that no result of the same hash is there to compare with.
#[test]
fn a_blessed_regression_is_found_across_hashes() {
    let world = World::new();
    world.record("a.1", 0, "A", "success", true);
    world.record("a.1", 1, "B", "build_failure", true);
    let changes = world.generate(1, None).status.changes;
    assert_eq!(world.changes(1, None), ["a.1 B! success -> build_failure: new_failure"]);
    assert_eq!(
        (changes[0].from_hash.as_deref(), changes[0].run.as_deref()),
        (Some("A"), Some(crate::run(1).as_str()))
    );
}

#[test]
fn other_builds_are_compared_each_with_its_own_past() {
    let world = World::new();
    for (number, category) in [(0, "success"), (1, "build_failure")] {
        world.record("a.1", number, "blessed", "success", true);
        world.record("a.1", number, "other", category, false);
        world.record("a.1", number, &format!("new in {number}"), category, false);
    }
    assert_eq!(world.changes(1, None), ["a.1 other success -> build_failure: unstable"]);
}

#[test]
fn a_build_that_is_blessed_for_the_first_time_is_compared_with_its_own_past() {
    let world = World::new();
    world.record("a.1", 0, "A", "success", false);
    world.record("a.1", 1, "A", "build_failure", true);
    assert_eq!(world.changes(1, None), ["a.1 A! success -> build_failure: unstable"]);
}

/// C-S10: in one run a package is built and its documentation fails, or the reverse.
#[test]
fn a_build_and_its_documentation_are_compared_apart() {
    let world = World::new();
    world.record("a.1", 0, "A", "success", true);
    world.record("a.1", 0, "A", "doc_success", true);
    world.record("a.1", 1, "B", "build_failure", true);
    world.record("a.1", 1, "A", "doc_success", true);
    assert_eq!(world.changes(1, None), ["a.1 B! success -> build_failure: new_failure"]);
    let generated = world.generate(1, None);
    assert_eq!(crate::totals(&generated.status.blessed_totals), [("build_failure", 1), ("doc_success", 1)]);
}

#[test]
fn a_retry_within_a_run_counts_with_its_last_result() {
    let world = World::new();
    world.record("a.1", 0, "A", "success", true);
    world.record("a.1", 1, "B", "transient_failure", true);
    world.record("a.1", 1, "B", "success", true);
    assert_eq!(world.changes(1, None), [""; 0]);
    assert_eq!(world.generate(1, None).standings[0].since_run, crate::run(0).as_str());
}

/// C-S6: the previous index says what the changes are relative to.
#[test]
fn what_changed_in_a_run_without_an_index_is_reported_by_the_next() {
    let world = World::new();
    world.record("a.1", 0, "A", "success", true);
    world.record("b.1", 0, "A", "success", true);
    let first = world.generate(0, None).status;
    world.record("a.1", 1, "B", "build_failure", true);
    world.record("b.1", 1, "B", "build_failure", true);
    world.record("c.1", 1, "C", "success", true);
    // Run 1 died before its index; run 2 touched only one package, which is good again.
    world.record("b.1", 2, "A", "success", true);
    let second = world.generate(2, Some(&first));
    assert_eq!(second.status.since.as_deref(), Some(crate::run(0).as_str()));
    assert_eq!(world.changes(2, Some(&first)), ["a.1 B! success -> build_failure: new_failure"]);
    assert_eq!(
        second.status.new_packages.iter().map(|package| package.as_str()).collect::<Vec<_>>(),
        ["c.1"]
    );

    // Without the previous index, each package is compared with the run it was in before.
    assert_eq!(world.changes(2, None), ["b.1 A! build_failure -> success: recovered"]);
}

#[test]
fn making_an_index_again_within_a_run_gives_the_same_answer() {
    let world = World::new();
    world.record("a.1", 0, "A", "success", true);
    world.record("a.1", 1, "B", "build_failure", true);
    for before in [None, Some(world.generate(0, None).status)] {
        let first = world.generate(1, before.as_ref()).status;
        assert_eq!(first.changes.len(), 1);
        let again = world.generate(1, Some(&first)).status;
        assert_eq!(again, first);
        assert_eq!(world.generate(1, Some(&again)).status, first);
        let next = world.generate(2, Some(&again)).status;
        assert_eq!(next.changes, [], "the next run does not repeat them");
    }
}

#[test]
fn a_later_run_does_not_hide_an_earlier_one() {
    let world = World::new();
    world.record("a.1", 0, "A", "success", true);
    world.record("a.1", 2, "C", "success", true);
    world.record("new.1", 2, "C", "success", true);
    // Run 1 began before run 2, and ends after it.
    world.record("a.1", 1, "B", "build_failure", true);
    assert_eq!(world.changes(1, None), ["a.1 B! success -> build_failure: new_failure"]);
    assert_eq!(world.changes(2, None), ["a.1 C! build_failure -> success: recovered"]);
    let old = world.generate(1, None);
    assert_eq!(crate::totals(&old.status.blessed_totals), [("build_failure", 1)]);
    assert!(
        old.status.new_packages.is_empty() && old.standings.len() == 1,
        "the package of run 2 is not known yet"
    );
}

#[test]
fn changes_are_sorted() {
    let world = World::new();
    for package in ["z.1", "a.1", "m.1"] {
        for hash in ["h3", "h1", "h2"] {
            for (number, suffix) in [(0, "success"), (1, "failure")] {
                world.record(package, number, hash, &format!("doc_{suffix}"), false);
                world.record(package, number, hash, suffix, false);
            }
        }
    }
    let changes = world.generate(1, None).status.changes;
    assert_eq!(changes.len(), 18);
    assert!(changes.is_sorted_by_key(|change| (
        change.package.clone(),
        change.kind,
        change.build_hash.clone()
    )));
}
