use std::time::Duration;

use buildbook_progress::{Phase, Progress};
use serde_json::json;

use crate::{at, fresh};

#[test]
fn a_new_run_is_solving_and_has_done_nothing() {
    assert_eq!(
        fresh().to_json(),
        json!({
            "run_id": "2026-03-09-125444",
            "start_time": "2026-03-09T12:54:44",
            "phase": "solving",
            "targets": ["astring.0.8.5", "fmt.0.9.0"],
            "solutions_found": 0,
            "solutions_failed": 0,
            "build_completed": 0,
            "build_total": 0,
            "doc_completed": 0,
            "doc_total": 0,
        })
    );
}

#[test]
fn phases_follow_each_other_and_round_trip() {
    let mut progress = fresh();
    let words = ["solving", "blessings", "building", "gc", "completed"];
    let phases = [Phase::Solving, Phase::Blessings, Phase::Building, Phase::Gc, Phase::Completed];
    for (word, phase) in words.into_iter().zip(phases) {
        progress = progress.set_phase(phase.clone());
        let json = progress.to_json();
        assert_eq!(json["phase"], word);
        let back: Progress = serde_json::from_value(json).unwrap();
        assert_eq!(back, progress);
        assert_eq!(back.phase, phase);
    }
    assert_eq!(progress.set_phase(Phase::Solving).phase, Phase::Solving, "no order is enforced");
}

#[test]
fn counts_are_kept_where_they_are_put() {
    let progress = fresh()
        .set_solutions(7, 2)
        .set_build_total(40)
        .set_doc_total(50)
        .set_completed(3, 4)
        .incr_build_completed()
        .incr_doc_completed()
        .incr_doc_completed()
        .set_build_failed(1);
    assert_eq!((progress.solutions_found, progress.solutions_failed), (7, 2));
    assert_eq!((progress.build_completed, progress.build_total), (4, 40));
    assert_eq!((progress.doc_completed, progress.doc_total), (6, 50));
    assert_eq!(progress.build_failed, Some(1));
    assert_eq!((progress.build_percent(), progress.doc_percent()), (Some(10), Some(12)));
    assert_eq!((progress.build_ratio(), progress.doc_ratio()), (Some(0.1), Some(0.12)));
}

#[test]
fn the_total_of_builds_says_nothing_about_documentation() {
    let progress = fresh().set_doc_total(5).set_build_total(9);
    assert_eq!((progress.build_total, progress.doc_total), (9, 5));
    assert_eq!(fresh().set_build_total(9).doc_percent(), None);
}

#[test]
fn a_changed_value_leaves_its_origin_alone() {
    let before = fresh();
    let after = before.clone().set_phase(Phase::Gc).set_completed(1, 1);
    assert_eq!(before, fresh());
    assert_ne!(after, before);
}

#[test]
fn an_age_needs_a_heartbeat_and_is_never_negative() {
    let mut progress = fresh();
    let now = at("2026-03-09T13:00:00Z");
    assert_eq!(progress.age(now), None);
    progress.heartbeat = Some(at("2026-03-09T12:59:00Z"));
    assert_eq!(progress.age(now), Some(Duration::from_mins(1)));
    progress.heartbeat = Some(at("2026-03-09T14:00:00Z"));
    assert_eq!(progress.age(now), Some(Duration::ZERO));
}
