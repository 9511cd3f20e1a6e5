use std::sync::atomic::{AtomicBool, Ordering};

use buildbook_runlog::{Counts, Error, Failure, RunState};

use crate::{at, empty, end, start};

fn counts() -> Counts {
    Counts {
        targets_requested: 9,
        packages_built: 7,
        packages_failed: 2,
        docs_generated: 3,
        failures: vec![
            Failure { package: "zinc.1".to_owned(), error: "build_failure".to_owned() },
            Failure {
                package: "anvil.1".to_owned(),
                error: "with \"quotes\" and a\nnewline — dash".to_owned(),
            },
        ],
    }
}

#[test]
fn a_summary_has_the_counts_of_the_caller_and_the_times_of_the_run() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    let path = run.tree().summary();
    let summary = run.finish_run(counts(), end()).unwrap();
    assert_eq!(summary.run_id.as_str(), "2026-03-09-125444");
    assert_eq!((summary.start_time, summary.end_time), (1_773_060_884.0, 1_773_061_200.5));
    assert_eq!(summary.duration, 316.5);
    assert_eq!((summary.started(), summary.ended()), (Some(start()), Some(end())));
    assert_eq!((summary.targets_requested, summary.packages_built), (9, 7));
    assert_eq!((summary.packages_failed, summary.docs_generated), (2, 3));
    assert_eq!(summary.failures, counts().failures, "in the order of the caller");
    assert_eq!(log.summary(&summary.run_id).unwrap(), Some(summary));

    let text = std::fs::read_to_string(path).unwrap();
    assert!(
        text.contains("\"start_time\": 1773060884.0,\n"),
        "a whole number of seconds is still a float: {text}"
    );
    assert!(text.ends_with('}'), "the original ends its file without a line feed");
}

#[test]
fn a_clock_that_was_set_back_makes_no_negative_duration() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    let summary = run.finish_run(Counts::default(), at("2026-03-09T11:00:00Z")).unwrap();
    assert_eq!(summary.duration, 0.0);
    assert_eq!(summary.ended(), Some(at("2026-03-09T11:00:00Z")));
    assert_eq!(log.latest().unwrap(), Some(summary.run_id));
}

#[test]
fn a_finished_run_is_not_locked_any_more() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    let lock = run.tree().writer_lock();
    assert!(matches!(buildbook_fsio::probe(&lock).unwrap(), buildbook_fsio::Probe::Held { .. }));
    run.finish_run(counts(), end()).unwrap();
    assert_eq!(buildbook_fsio::probe(&lock).unwrap(), buildbook_fsio::Probe::Free);
}

#[test]
fn pollers_see_no_summary_or_a_whole_one() {
    for _ in 0..20 {
        let (_folder, log) = empty();
        let run = log.start_run(start()).unwrap();
        let id = run.id().clone();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let poller = scope.spawn(|| {
                let mut seen = None;
                while seen.is_none() {
                    let was_done = done.load(Ordering::Relaxed);
                    seen = log.summary(&id).unwrap();
                    assert!(seen.is_some() || !was_done, "it is there when the run has finished");
                }
                seen
            });
            let failures = vec![counts().failures[1].clone(); 2000];
            let summary = run.finish_run(Counts { failures, ..counts() }, end()).unwrap();
            done.store(true, Ordering::Relaxed);
            assert_eq!(poller.join().unwrap(), Some(summary));
        });
    }
}

#[test]
fn a_run_that_cannot_be_finished_is_handed_back_locked() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    std::fs::create_dir(run.tree().summary()).unwrap();
    let failed = run.finish_run(counts(), end()).unwrap_err();
    assert_eq!(failed.to_string(), "cannot finish the run 2026-03-09-125444");
    assert!(matches!(failed.error, Error::Replace(_)));
    assert_eq!(log.state(failed.run.id()).unwrap(), RunState::InProgress);
    assert_eq!(log.latest().unwrap(), None);

    std::fs::remove_dir(failed.run.tree().summary()).unwrap();
    let summary = failed.run.finish_run(counts(), end()).unwrap();
    assert_eq!(log.latest().unwrap(), Some(summary.run_id));
}

#[test]
fn numbers_of_the_original_may_be_whole() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    let text = r#"{"run_id":"2026-03-09-125444","start_time":1773060884,"end_time":1773060885,"duration":1,
        "targets_requested":1,"packages_built":1,"packages_failed":0,"docs_generated":0,"failures":[]}"#;
    std::fs::write(run.tree().summary(), text).unwrap();
    let summary = log.summary(run.id()).unwrap().unwrap();
    assert_eq!((summary.started(), summary.duration), (Some(start()), 1.0));
}
