use std::fs;
use std::os::unix::fs::symlink;

use buildbook_fsio::Lock;
use buildbook_gc::{
    Error, Policy, Roots, SkipReason, execute_universes, gc_all, gc_universes, plan_universes,
    survey_universes,
};

use crate::farm::{Farm, age, goes, names, now, policy, reason, references};

const ONE: &str = "11111111111111111111111111111111";
const TWO: &str = "22222222222222222222222222222222";
const THREE: &str = "33333333333333333333333333333333";
const FOUR: &str = "44444444444444444444444444444444";

fn plan(farm: &Farm) -> buildbook_gc::UniversePlan {
    plan_universes(survey_universes(&farm.html()).unwrap(), &policy(), now())
}

#[test]
fn universes_go_that_no_package_refers_to() {
    let farm = Farm::new();
    farm.publish("anvil.1.2.0", &references(&[ONE]));
    farm.universe(ONE, 60);
    farm.universe(TWO, 60);
    farm.universe(THREE, 1);
    farm.universe(".44444444444444444444444444444444.trash-bb0123456789", 60);
    farm.universe("not-a-universe", 60);
    symlink("nowhere", farm.html().universes().join(FOUR)).unwrap();
    let found = plan(&farm);
    assert_eq!(reason(&found, ONE), "referenced");
    assert_eq!(reason(&found, TWO), "goes: unreferenced, and unused for 60 days");
    assert_eq!(reason(&found, THREE), "used less than 7 days ago");
    assert_eq!(reason(&found, FOUR), "not a folder");
    assert_eq!(reason(&found, "not-a-universe"), "its name is none that is collected");
    assert_eq!(goes(&found).len(), 2);
    let result = execute_universes(&found).unwrap();
    assert_eq!((result.removed.len(), result.kept, result.problems.len()), (2, 4, 0));
    assert_eq!(names(&farm.html().universes()), [ONE, THREE, FOUR, "not-a-universe"]);
    assert_eq!(names(farm.html().path()), ["p", "u"]);
}

#[test]
fn one_page_that_was_written_lately_keeps_a_universe() {
    let farm = Farm::new();
    farm.publish("anvil.1.2.0", &references(&[]));
    let universe = farm.universe(ONE, 60);
    age(&universe.join("anvil/1.2.0/index.html"), 60);
    assert_eq!(reason(&plan(&farm), ONE), "used less than 7 days ago");
}

#[test]
fn a_universe_that_is_referenced_or_written_meanwhile_stays() {
    let farm = Farm::new();
    farm.publish("anvil.1.2.0", &references(&[]));
    for universe in [ONE, TWO, THREE, FOUR] {
        farm.universe(universe, 60);
    }
    let found = plan(&farm);
    farm.publish("basalt.0.9.1", &references(&[ONE]));
    fs::create_dir(farm.html().universes().join(TWO).join("anvil/1.3.0")).unwrap();
    fs::rename(farm.html().universes().join(THREE), farm.root().join("elsewhere")).unwrap();
    let result = execute_universes(&found).unwrap();
    let skipped: Vec<_> =
        result.skipped.iter().map(|skipped| (skipped.name.as_str(), skipped.reason.clone())).collect();
    assert_eq!(skipped, [(ONE, SkipReason::Referenced), (TWO, SkipReason::Used), (THREE, SkipReason::Gone)]);
    assert_eq!(result.removed.len(), 1);
    assert_eq!(names(&farm.html().universes()), [ONE, TWO]);
}

/// No folder tells of it.
#[test]
fn a_universe_of_which_a_page_is_written_anew_meanwhile_stays() {
    let farm = Farm::new();
    farm.publish("anvil.1.2.0", &references(&[]));
    let page = farm.universe(ONE, 60).join("anvil/1.2.0/index.html");
    let found = plan(&farm);
    fs::write(&page, "anew").unwrap();
    let result = execute_universes(&found).unwrap();
    assert_eq!(result.skipped.iter().map(|skipped| &skipped.reason).collect::<Vec<_>>(), [&SkipReason::Used]);
    assert_eq!(fs::read_to_string(&page).unwrap(), "anew");
}

#[test]
fn references_that_become_unreadable_after_the_plan_stop_its_execution() {
    let farm = Farm::new();
    farm.publish("anvil.1.2.0", &references(&[]));
    farm.universe(ONE, 60);
    let found = plan(&farm);
    farm.publish("basalt.0.9.1", "{");
    assert!(matches!(execute_universes(&found), Err(Error::MalformedReferences { .. })));
    assert!(farm.html().universes().join(ONE).exists());
    assert_eq!(names(farm.html().path()), ["p", "u"], "no lock file is left");
}

#[test]
fn only_one_collection_of_universes_works_at_a_time() {
    let farm = Farm::new();
    farm.publish("anvil.1.2.0", &references(&[]));
    farm.universe(ONE, 60);
    let other = Lock::acquire(&farm.html().path().join("gc.lock")).unwrap();
    assert!(matches!(gc_universes(&farm.html(), &policy(), now()), Err(Error::Busy { .. })));
    other.remove().unwrap();
    assert_eq!(gc_universes(&farm.html(), &policy(), now()).unwrap().removed.len(), 1);
}

#[test]
fn both_phases_run_and_neither_hinders_the_other() {
    let farm = Farm::new();
    farm.layer("build-00000000000a", &[], 60);
    farm.layer("build-00000000000b", &[], 60);
    farm.universe(ONE, 60);
    farm.universe(TWO, 60);
    farm.publish("anvil.1.2.0", "{");
    let roots: Roots = ["build-00000000000a"].into_iter().collect();
    let (layers, universes) = gc_all(&farm.tree(), &farm.html(), &roots, &policy(), now());
    assert_eq!(layers.unwrap().removed.len(), 1);
    assert!(universes.is_err());
    farm.publish("anvil.1.2.0", &references(&[TWO]));
    let (layers, universes) = gc_all(&farm.tree(), &farm.html(), &roots, &policy(), now());
    assert_eq!((layers.unwrap().removed.len(), universes.unwrap().removed.len()), (0, 1));
}

#[test]
fn a_site_that_does_not_exist_has_nothing_to_collect() {
    let farm = Farm::new();
    let result = gc_universes(&farm.html(), &Policy::default(), now()).unwrap();
    assert!(result.removed.is_empty());
    assert!(!farm.html().path().exists());
}
