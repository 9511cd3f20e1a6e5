use buildbook_atomic_swap::recover;
use buildbook_fsio::faults::{Fault, count, inject};
use buildbook_fsio::op::Operation;
use buildbook_history::Reason;

use crate::{World, entry, line};

fn aside(world: &World) -> String {
    let path = world.history.tree().unreadable_lines(&world.package);
    if path.exists() { std::fs::read_to_string(path).unwrap() } else { String::new() }
}

const TORN: &str = "{\"ts\":\"2026-03-09T12:5";

#[test]
fn what_holds_nothing_is_set_aside_and_what_holds_anything_stays() {
    let (one, two, three) = (line(&entry("1")), line(&entry("2")), line(&entry("3")));
    let foreign = "{\"version\":7,\"result\":\"from the future\"}\n";
    let debris = [format!("{TORN}\n"), "   \n".to_owned(), "\0\0\0\n".to_owned(), "nonsense\n".to_owned()];
    let glued = format!("{TORN}{two}");
    let world = World::with(format!(
        "{one}{}{glued}{foreign}{}{three}{TORN}",
        debris[..2].concat(),
        debris[2..].concat()
    ));
    let before = world.history.read(&world.package).unwrap();

    let done = world.history.set_broken_lines_aside(&world.package).unwrap();
    let moved = format!("{}{TORN}\n", debris.concat());
    assert_eq!((done.lines, done.bytes), (5, moved.len() as u64 - 1), "the last one had no line feed");
    assert_eq!(aside(&world), moved);
    assert_eq!(world.text(), format!("{one}{glued}{foreign}{three}"));
    let after = world.history.read(&world.package).unwrap();
    assert_eq!(after.entries, before.entries);
    let reasons: Vec<_> = after.problems.iter().map(|problem| &problem.reason).collect();
    assert!(matches!(reasons[..], [Reason::Glued, Reason::NotAnEntry(_)]), "{reasons:?}");

    world.history.append(&world.package, &entry("4")).unwrap();
    assert_eq!(world.tags(), ["4", "3", "2", "1"]);
}

#[test]
fn a_history_without_debris_is_not_touched() {
    let world = World::with(line(&entry("1")) + line(&entry("2")).trim_end());
    let (done, calls) = count(|| world.history.set_broken_lines_aside(&world.package).unwrap());
    assert_eq!((done.lines, calls.len()), (0, 0));
    let nothing = World::new();
    assert_eq!(nothing.history.set_broken_lines_aside(&nothing.package).unwrap().lines, 0);
    assert!(!nothing.path().exists());
}

#[test]
fn no_line_is_lost_by_a_stop_while_broken_ones_are_set_aside() {
    let old = format!("{}{TORN}\n{}{TORN}", line(&entry("1")), line(&entry("2")));
    let new = line(&entry("1")) + &line(&entry("2"));
    let moved = format!("{TORN}\n").repeat(2);
    let set_aside = |world: &World| world.history.set_broken_lines_aside(&world.package).is_ok();
    let world = World::with(&old);
    let (done, calls) = count(|| set_aside(&world));
    assert!(done);
    let operations: Vec<_> = calls.into_iter().map(|call| call.operation).collect();
    let synced = operations.iter().position(|operation| *operation == Operation::SyncFile).unwrap();
    let renamed = operations.iter().position(|operation| *operation == Operation::Rename).unwrap();
    assert!(synced < renamed, "the lines are on the device before they leave the history: {operations:?}");
    let faults =
        [Fault::Stop, Fault::StopTorn, Fault::Fail(nix::libc::EIO), Fault::FailTorn(nix::libc::ENOSPC)];
    for (at, operation) in operations.iter().enumerate() {
        for fault in faults {
            let world = World::with(&old);
            let done = inject(at, fault, || set_aside(&world));
            let point = format!("{fault:?} at {at}, {operation:?}");
            if world.text() == new {
                assert_eq!(aside(&world), moved, "{point}");
            } else {
                assert_eq!(world.text(), old, "{point}");
                assert!(!done, "{point}");
            }
            recover(world.path().parent().unwrap()).unwrap();
            assert!(set_aside(&world), "{point}: it can be repeated");
            assert_eq!(world.text(), new, "{point}");
            assert!(aside(&world).ends_with(&moved), "{point}: {}", aside(&world));
        }
    }
}

#[test]
fn entries_that_are_appended_while_lines_are_set_aside_are_all_there() {
    const EACH: usize = 60;
    let world = World::with("");
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let world = &world;
                scope.spawn(move || {
                    for number in 0..EACH {
                        world
                            .history
                            .append(&world.package, &entry(&format!("{writer} {number:03}")))
                            .unwrap();
                    }
                })
            })
            .collect();
        while !writers.iter().all(|writer| writer.is_finished()) {
            buildbook_fsio::append_lines(&world.path(), b"debris\n", buildbook_fsio::Durability::Cached)
                .unwrap();
            world.history.set_broken_lines_aside(&world.package).unwrap();
        }
    });
    let tags = world.tags();
    assert_eq!(tags.len(), 3 * EACH);
    for writer in 0..3 {
        let prefix = format!("{writer} ");
        let mut of_writer: Vec<_> = tags.iter().filter(|tag| tag.starts_with(&prefix)).collect();
        of_writer.reverse();
        assert!(of_writer.is_sorted(), "{of_writer:?}");
    }
    assert!(world.history.read(&world.package).unwrap().problems.is_empty());
    assert!(aside(&world).lines().all(|line| line == "debris"));
}
