use std::os::unix::fs::MetadataExt as _;

use buildbook_fsio::faults::{Fault, inject};
use buildbook_history::{Entry, Error, Retention};
use buildbook_layout::{Category, Timestamp};

use crate::{World, entry, line, tag, time};

const NOW: &str = "2026-06-01T00:00:00Z";

/// Entries with the given hash, category and blessing, an hour apart and all of them old.
fn entries<'a>(looks: impl IntoIterator<Item = (&'a str, &'a str, bool)>) -> Vec<Entry> {
    (0..)
        .zip(looks)
        .map(|(n, (hash, category, blessed))| Entry {
            ts: Timestamp::from_unix(1_700_000_000 + n * 3600).unwrap().to_string(),
            run: buildbook_layout::RunId::starting_at(
                Timestamp::from_unix(1_700_000_000 + n * 3600).unwrap(),
            )
            .to_string(),
            build_hash: hash.to_owned(),
            status: if category.ends_with("success") { Entry::SUCCESS } else { Entry::FAILURE }.to_owned(),
            category: Category::new(category),
            blessed,
            ..entry(&n.to_string())
        })
        .collect()
}

fn world(entries: &[Entry]) -> World {
    World::with(entries.iter().map(line).collect::<String>())
}

/// The numbers of the entries that are left, the oldest first.
fn left(world: &World, retention: &Retention) -> Vec<usize> {
    world.history.compact(&world.package, retention, time(NOW)).unwrap();
    world.tags().iter().rev().map(|tag| tag.parse().unwrap()).collect()
}

#[test]
fn a_hundred_alternating_identical_entries_shrink_to_a_handful() {
    for blessed in [false, true] {
        let world = world(&entries((0..100).map(|n| (["h1", "h2"][n % 2], "success", blessed))));
        assert_eq!(left(&world, &Retention::days(0)), [0, 1, 98, 99]);
    }
}

#[test]
fn steps_of_one_run_that_alternate_are_reduced_each_by_itself() {
    let steps = [("b", "success", true), ("c", "doc_success", true), ("l", "doc_link_failure", true)];
    let mut all = entries((0..300).map(|n| steps[n % 3]));
    for (n, entry) in all.iter_mut().enumerate() {
        entry.run = format!("2024-01-01-{:06}", n / 3 % 60 + n / 180 * 100);
    }
    assert_eq!(left(&world(&all), &Retention::days(0)), [0, 1, 2, 297, 298, 299]);
}

#[test]
fn every_change_is_kept() {
    let looks = ["success", "success", "success", "build_failure", "transient_failure", "build_failure"];
    let all = entries(looks.map(|category| ("h", category, false)));
    assert_eq!(left(&world(&all), &Retention::days(0)), [0, 2, 3, 4, 5]);
}

#[test]
fn texts_that_are_no_run_ids_stay_in_the_order_of_the_file() {
    let looks = (0..6).map(|n| ("h", ["success", "build_failure"][n % 2], false));
    let mut all = entries(looks);
    for (n, entry) in all.iter_mut().enumerate() {
        entry.run = ["one", "another"][n % 2].to_owned();
    }
    assert_eq!(left(&world(&all), &Retention::days(0)), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_change_between_blessed_builds_of_different_hashes_is_kept() {
    // Entry 3 is in the middle of a streak of its own hash, and the first success after a failure.
    let looks = [("a", true), ("a", true), ("b", false), ("a", true), ("a", true), ("a", true)];
    let all = entries(looks.map(|(hash, ok)| (hash, if ok { "success" } else { "build_failure" }, true)));
    assert_eq!(left(&world(&all), &Retention::days(0)), [0, 1, 2, 3, 5]);
}

#[test]
fn young_entries_and_those_of_unknown_age_are_kept() {
    let mut all = entries((0..9).map(|_| ("h", "success", true)));
    for (entry, ts) in
        all.iter_mut().skip(3).step_by(2).zip(["not a time", "2026-05-20T00:00:00Z", "2099-01-01T00:00:00Z"])
    {
        entry.ts = ts.to_owned();
    }
    assert_eq!(left(&world(&all), &Retention::days(30)), [0, 2, 3, 4, 5, 6, 7, 8]);
    let same = entries((0..9).map(|_| ("h", "success", true)));
    assert_eq!(left(&world(&same), &Retention::days(30_000)), (0..9).collect::<Vec<_>>());
}

#[test]
fn an_old_streak_keeps_its_last_entry_when_young_ones_go_on_with_it() {
    let mut all = entries((0..8).map(|_| ("h", "success", false)));
    for entry in all.iter_mut().skip(4) {
        entry.ts = "2026-05-20T00:00:00Z".to_owned();
    }
    assert_eq!(left(&world(&all), &Retention::days(30)), [0, 3, 4, 5, 6, 7]);
}

/// The readers go by the order of the file, whatever the runs.
#[test]
fn the_newest_in_the_file_stay_the_newest() {
    let mut all = entries((0..9).map(|n| ("h", "success", n == 4)));
    all[8].run = all[2].run.clone();
    let kept = left(&world(&all), &Retention::days(0));
    assert_eq!(kept, [0, 3, 4, 5, 7, 8]);
}

/// C-H4: ages are in UTC, whatever the zone of the machine. The hours are those of the original's fault.
#[test]
fn ages_are_in_utc() {
    let hours = [30, 29, 28, 23, 22, 21, 20, 1];
    let mut all = entries(hours.map(|_| ("h", "success", true)));
    for (entry, hours) in all.iter_mut().zip(hours) {
        entry.ts = time(NOW).minus(std::time::Duration::from_secs(hours * 3600)).to_string();
    }
    let world = world(&all);
    let kept: Vec<u64> = left(&world, &Retention::days(1)).into_iter().map(|n| hours[n]).collect();
    assert_eq!(kept, [30, 28, 23, 22, 21, 20, 1]);
}

#[test]
fn an_age_of_zero_makes_everything_up_to_now_old() {
    let mut all = entries((0..6).map(|_| ("h", "success", true)));
    for (n, entry) in all.iter_mut().enumerate() {
        entry.ts = if n < 4 { NOW.to_owned() } else { "2026-06-01T00:00:01Z".to_owned() };
    }
    assert_eq!(left(&world(&all), &Retention::days(0)), [0, 3, 4, 5]);
}

#[test]
fn lines_are_copied_byte_for_byte() {
    let odd = r#"{ "x-unknown": [1, {"deep": null}],  "ts":"2020-01-01T00:00:00Z","run":"r","build_hash":"odd","status":"success","category":"success","blessed":false,"compiler":"4.14","failed_dep":"d.1","universe":"" , "ts":"again"}"#;
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    bytes.extend_from_slice(odd.as_bytes());
    bytes.extend_from_slice(b"\r\n\n   \n\0\0\0\nlatin \xe9\n");
    let kept = bytes.clone();
    let torn = b"{\"ts\":\"2020-01-0";
    let all = entries((0..5).map(|_| ("h", "success", true)));
    all.iter().for_each(|entry| bytes.extend_from_slice(line(entry).as_bytes()));
    bytes.extend_from_slice(torn);
    let world = World::with(&bytes);
    let compacted = world.history.compact(&world.package, &Retention::days(0), time(NOW)).unwrap();
    assert_eq!((compacted.lines_before, compacted.lines_after, compacted.problems.len()), (11, 8, 4));
    assert_eq!(
        (compacted.bytes_before, compacted.bytes_after),
        (bytes.len() as u64, world.bytes().len() as u64)
    );
    let expected = [&kept, line(&all[0]).as_bytes(), line(&all[4]).as_bytes(), torn].concat();
    assert_eq!(world.bytes(), expected);
}

#[test]
fn lines_with_debris_are_kept_with_all_their_entries() {
    let all = entries((0..7).map(|_| ("h", "success", true)));
    let glued = line(&all[2]).trim_end().to_owned() + &line(&all[3]);
    let text = line(&all[0]) + &line(&all[1]) + &glued + &line(&all[4]) + &line(&all[5]) + &line(&all[6]);
    assert_eq!(left(&World::with(text), &Retention::days(0)), [0, 2, 3, 6]);
}

#[test]
fn a_line_too_long_to_be_read_is_copied() {
    let long = "x".repeat(buildbook_fsio::MAX_LINE_BYTES + 1) + "\n";
    let all = entries((0..3).map(|_| ("h", "success", true)));
    let world = World::with(line(&all[0]) + &line(&all[1]) + &long + &line(&all[2]));
    world.history.compact(&world.package, &Retention::days(0), time(NOW)).unwrap();
    assert!(world.text() == line(&all[0]) + &long + &line(&all[2]));
}

#[test]
fn a_file_with_nothing_to_remove_is_not_rewritten() {
    let world = world(&entries((0..2).map(|_| ("h", "success", true))));
    let before = std::fs::metadata(world.path()).unwrap();
    let compacted = world.history.compact(&world.package, &Retention::days(0), time(NOW)).unwrap();
    assert_eq!((compacted.lines_before, compacted.lines_after), (2, 2));
    let after = std::fs::metadata(world.path()).unwrap();
    assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()));
}

#[test]
fn a_missing_history_stays_missing() {
    let world = World::new();
    assert_eq!(
        world.history.compact(&world.package, &Retention::days(0), time(NOW)).unwrap(),
        Default::default()
    );
    assert!(!world.history.tree().path().exists());
}

#[test]
fn a_limit_keeps_the_newest_and_what_tells_the_present() {
    // A build that fails since entry 40, among many others; nothing may be older than the limit but this.
    let all = entries((0..200).map(|n| match n {
        0 => ("forgotten", "success", false),
        20..40 => ("b", "success", true),
        40..50 => ("b", "build_failure", true),
        50.. => ("n", ["success", "build_failure"][n % 2], false),
        _ => ("early", ["success", "build_failure"][n % 2], false),
    }));
    let limit = Retention { max_entries: Some(10), ..Retention::days(30_000) };
    let world = world(&all);
    let kept = left(&world, &limit);
    let expected: Vec<usize> = [0, 19, 39, 40, 49].into_iter().chain(190..200).collect();
    assert_eq!(kept, expected);
    assert_eq!(left(&world, &limit), expected, "a second time changes nothing");
}

#[test]
fn a_limit_does_not_give_up_changes_while_there_is_room() {
    let all = entries((0..1000).map(|n| ("h", if n < 500 { "success" } else { "build_failure" }, true)));
    let limit = Retention { max_entries: Some(10), ..Retention::days(0) };
    assert_eq!(left(&world(&all), &limit), [0, 499, 500, 999]);
}

#[test]
fn a_limit_is_kept_but_for_a_few_entries_of_every_hash() {
    let all =
        entries((0..3000).map(|n| {
            (["a", "b", "c", "d"][n % 4], ["success", "build_failure", "x"][n / 4 % 3], n % 7 == 0)
        }));
    for max in [0, 1, 50] {
        let world = world(&all);
        let kept = left(&world, &Retention { max_entries: Some(max), ..Retention::days(0) });
        assert!((max..=max + 4 * 2 + 4).contains(&kept.len()), "{max}: {}", kept.len());
    }
}

#[test]
fn a_file_that_cannot_be_replaced_stays_as_it_was() {
    let all = entries((0..9).map(|_| ("h", "success", true)));
    let world = world(&all);
    let before = world.bytes();
    for error in [nix::libc::EROFS, nix::libc::ENOSPC, nix::libc::EACCES] {
        let failed = inject(0, Fault::Fail(error), || {
            world.history.compact(&world.package, &Retention::days(0), time(NOW))
        });
        let failed = failed.unwrap_err();
        assert!(matches!(failed, Error::Compact { .. }), "{failed}");
        assert_eq!(failed.path(), world.path());
        assert_eq!(
            failed.kind().map(|kind| kind.to_string()),
            Some(std::io::Error::from_raw_os_error(error).kind().to_string())
        );
        assert_eq!(world.bytes(), before);
    }
}

#[test]
fn what_others_left_in_the_folder_is_neither_read_nor_overwritten() {
    let world = world(&entries((0..9).map(|_| ("h", "success", true))));
    let folder = world.path().parent().unwrap().to_owned();
    for name in ["history.jsonl.tmp", ".history.jsonl.tmp-bb0123456789"] {
        std::fs::write(folder.join(name), line(&entry("from a crash"))).unwrap();
    }
    assert_eq!(left(&world, &Retention::days(0)), [0, 8]);
    for name in ["history.jsonl.tmp", ".history.jsonl.tmp-bb0123456789"] {
        assert_eq!(std::fs::read_to_string(folder.join(name)).unwrap(), line(&entry("from a crash")));
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);
    assert_eq!(world.history.read_blessed(&world.package).unwrap().entry.map(tag).as_deref(), Some("8"));
}
