use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;

use buildbook_history::{Entry, Follower, OpenFolder, Position, Retention};

use crate::{World, entry, line, tag, time};

/// A history of some 20 kB, and the position at its end.
fn long() -> (World, OpenFolder, Position) {
    let text: String = (0..20).map(|number| line(&long_entry(number))).collect();
    let world = World::with(text);
    let folder = world.history.open_folder().unwrap().unwrap();
    let mut count = 0;
    let followed = Follower::new(&folder).read(&world.package, |_| count += 1).unwrap();
    assert_eq!((count, followed.problems), (20, vec![]));
    let position = followed.position.unwrap();
    assert!(position.stamp.length > 20_000 && position.tail.is_some());
    (world, folder, position)
}

fn long_entry(number: u32) -> Entry {
    Entry { compiler: "long".repeat(250), ..entry(&format!("entry-{number:02}")) }
}

/// The entries behind a position, and whether there is a new one.
fn read_on(world: &World, folder: &OpenFolder, position: &Position) -> Option<(Vec<String>, Position)> {
    let mut tags = Vec::new();
    let read =
        Follower::new(folder).read_on(&world.package, position, |entry| tags.push(tag(entry.into_entry())));
    Some((tags, read.unwrap()?))
}

fn add(world: &World, text: &str) {
    let mut file = OpenOptions::new().append(true).open(world.path()).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn only_what_was_added_is_handed_out() {
    let (world, folder, position) = long();
    assert_eq!(read_on(&world, &folder, &position), Some((vec![], position)));
    world.history.append(&world.package, &entry("one")).unwrap();
    let (tags, next) = read_on(&world, &folder, &position).unwrap();
    assert_eq!(tags, ["one"]);
    assert_eq!(Follower::new(&folder).look(&world.package).unwrap(), Some(next.stamp));
    world.history.append_all(&world.package, &[entry("two"), entry("three")]).unwrap();
    assert_eq!(read_on(&world, &folder, &next).unwrap().0, ["two", "three"]);
    assert_eq!(read_on(&world, &folder, &position).unwrap().0, ["one", "two", "three"]);
}

#[test]
fn what_has_not_just_grown_by_whole_entries_is_read_from_its_start() {
    type Change = fn(&World);
    let changes: [(&str, Change); 8] = [
        ("a line is being written", |world| add(world, "{\"ts\":")),
        ("a broken line", |world| add(world, "no entry\n")),
        ("a line without end", |world| add(world, line(&entry("one")).trim_end())),
        ("it is shorter", |world| {
            OpenOptions::new().write(true).open(world.path()).unwrap().set_len(9000).unwrap();
        }),
        ("its end is another", |world| {
            let file = OpenOptions::new().write(true).open(world.path()).unwrap();
            let length = file.metadata().unwrap().len();
            file.write_all_at(b"X", length - 4000).unwrap();
            add(world, &line(&entry("one")));
        }),
        ("another file has the name", |world| {
            let text = fs::read(world.path()).unwrap();
            let other = world.path().with_file_name("other");
            fs::write(&other, text).unwrap();
            fs::rename(other, world.path()).unwrap();
        }),
        ("it was compacted", |world| {
            let retention = Retention { max_entries: Some(1), ..Retention::days(0) };
            let now = time("2099-01-01T00:00:00Z");
            world.history.compact(&world.package, &retention, now).unwrap();
        }),
        ("it has gone", |world| fs::remove_file(world.path()).unwrap()),
    ];
    for (what, change) in changes {
        let (world, folder, position) = long();
        change(&world);
        assert_eq!(read_on(&world, &folder, &position), None, "{what}");
    }
}

#[test]
fn there_is_a_position_only_if_everything_could_be_used() {
    let long: String = (0..20).map(|number| line(&long_entry(number))).collect();
    let table = [
        (String::new(), true, false),
        (line(&entry("one")), true, false),
        (long.clone(), true, true),
        (long.clone() + "\n\r\n", true, true),
        (long.clone() + " \n", false, false),
        (long.clone() + "{\"ts\":", false, false),
        (long.clone() + "{\"ts\":\n" + &line(&entry("one")), false, false),
        (long.trim_end().to_owned(), false, false),
    ];
    for (text, has_position, has_tail) in table {
        let world = World::with(text.clone());
        let folder = world.history.open_folder().unwrap().unwrap();
        let followed = Follower::new(&folder).read(&world.package, |_| ()).unwrap();
        assert_eq!(followed.position.is_some(), has_position, "{}", text.len());
        assert_eq!(followed.position.is_some_and(|position| position.tail.is_some()), has_tail);
        assert_eq!(followed.problems, world.history.for_each(&world.package, |_| ()).unwrap());
    }
    let world = World::new();
    assert!(world.history.open_folder().unwrap().is_none(), "nothing was ever written");
}

#[test]
fn a_follower_fails_as_a_reader_does() {
    let world = World::with(line(&entry("one")));
    let folder = world.history.open_folder().unwrap().unwrap();
    fs::remove_file(world.path()).unwrap();
    fs::create_dir(world.path()).unwrap();
    let mut follower = Follower::new(&folder);
    let expected = world.history.for_each(&world.package, |_| ()).unwrap_err();
    assert_eq!(follower.look(&world.package).unwrap(), None);
    for error in [
        follower.for_each(&world.package, |_| ()).unwrap_err(),
        follower.read(&world.package, |_| ()).unwrap_err(),
    ] {
        assert_eq!((error.path(), error.to_string()), (expected.path(), expected.to_string()));
    }
}
