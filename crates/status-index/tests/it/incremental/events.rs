//! Whatever happens to the histories, in whatever order.

use super::*;

/// The run of an entry: its number, or a text that is no run id.
type Run = std::result::Result<u32, &'static str>;

/// Something that happens to the histories, and who looks at them afterwards.
#[derive(Debug, Clone)]
enum Event {
    Append { package: usize, entries: Vec<(Run, &'static str, &'static str, bool)> },
    Torn { package: usize },
    Foreign { package: usize, text: &'static str },
    Compact { package: usize, max: Option<usize> },
    Cut { package: usize, part: u64 },
    RewriteInPlace { package: usize },
    EditInPlace { package: usize },
    Exchange { package: usize, with: usize },
    Link { package: usize, to: usize },
    Replace { package: usize, by: usize },
    Touch { package: usize },
    Remove { package: usize },
    RemoveFolder { package: usize },
    MoveAway { package: usize },
    LoseCache,
    KeepCache,
    OldCache,
    Tick,
    Index { number: u32, since: Option<u32>, times: usize },
}

const PACKAGES: [&str; 4] = ["a.1", "b.1", "c.1", "d.1"];

fn any_event() -> impl Strategy<Value = Event> {
    let package = || 0..PACKAGES.len();
    let category =
        || select(vec!["success", "build_failure", "transient_failure", "doc_success", "doc_failure"]);
    let run = prop_oneof![20 => (0..9_u32).prop_map(Ok), 1 => select(vec!["odd", "odder"]).prop_map(Err)];
    let entries = prop::collection::vec((run, select(vec!["A", "B", "C"]), category(), any::<bool>()), 1..5);
    let foreign = select(vec!["\n", "  \n", "[1]\n", "{\"run\":\"x\"}\n", "\u{0}\u{0}\n"]);
    prop_oneof![
        8 => (package(), entries).prop_map(|(package, mut entries)| {
            entries.sort_by_key(|entry| entry.0);
            Event::Append { package, entries }
        }),
        1 => package().prop_map(|package| Event::Torn { package }),
        1 => (package(), foreign).prop_map(|(package, text)| Event::Foreign { package, text }),
        1 => (package(), prop::option::of(1..9_usize)).prop_map(|(package, max)| Event::Compact { package, max }),
        1 => (package(), 1..4_u64).prop_map(|(package, part)| Event::Cut { package, part }),
        1 => package().prop_map(|package| Event::RewriteInPlace { package }),
        1 => package().prop_map(|package| Event::EditInPlace { package }),
        1 => (package(), package()).prop_map(|(package, with)| Event::Exchange { package, with }),
        1 => (package(), package()).prop_map(|(package, to)| Event::Link { package, to }),
        1 => (package(), package()).prop_map(|(package, by)| Event::Replace { package, by }),
        1 => package().prop_map(|package| Event::Touch { package }),
        1 => package().prop_map(|package| Event::Remove { package }),
        1 => package().prop_map(|package| Event::RemoveFolder { package }),
        1 => package().prop_map(|package| Event::MoveAway { package }),
        1 => Just(Event::LoseCache),
        1 => Just(Event::KeepCache),
        1 => Just(Event::OldCache),
        3 => Just(Event::Tick),
        10 => (0..10_u32, prop::option::of(0..10_u32), 1..3_usize)
            .prop_map(|(number, since, times)| Event::Index { number, since, times }),
    ]
}

impl World {
    fn apply(&self, event: &Event) {
        let path = |package: &usize| self.path(PACKAGES[*package]);
        match event {
            Event::Append { package, entries } => {
                let entries: Vec<Entry> = entries
                    .iter()
                    .map(|(number, hash, category, blessed)| {
                        let run = number.map_or_else(str::to_owned, |number| run(number).to_string());
                        Entry { run, ..long(number.unwrap_or(0), hash, category, *blessed) }
                    })
                    .collect();
                let package: PackageId = PACKAGES[*package].parse().unwrap();
                self.history.append_all(&package, &entries).unwrap();
            }
            Event::Torn { package } => self.add(&path(package), "{\"ts\":\"2026-01"),
            Event::Foreign { package, text } => self.add(&path(package), text),
            Event::Compact { package, max } => {
                let retention = Retention { max_entries: *max, ..Retention::days(0) };
                self.history.compact(&PACKAGES[*package].parse().unwrap(), &retention, now()).unwrap();
            }
            Event::Cut { package, part } => {
                if let Ok(file) = OpenOptions::new().write(true).open(path(package)) {
                    let length = file.metadata().unwrap().len();
                    file.set_len(length / (part + 1) * part).unwrap();
                }
            }
            // As the original compacts: another text in the same file.
            Event::RewriteInPlace { package } => {
                if let Ok(text) = fs::read_to_string(path(package)) {
                    let other: Vec<&str> = text.split_inclusive('\n').skip(1).collect();
                    fs::write(path(package), other.concat()).unwrap();
                }
            }
            // Near the end, as `Cache` relies on. The file has the length that it had, and says that it was changed when it was before.
            Event::EditInPlace { package } => {
                if let Ok(mut text) = fs::read_to_string(path(package)) {
                    let modified = fs::metadata(path(package)).unwrap().modified().unwrap();
                    if let Some(at) = text.rfind("\"A\"").filter(|at| at + 4096 > text.len()) {
                        text.replace_range(at..at + 3, "\"Y\"");
                    }
                    fs::write(path(package), text).unwrap();
                    let file = OpenOptions::new().write(true).open(path(package)).unwrap();
                    file.set_modified(modified).unwrap();
                }
            }
            Event::Exchange { package, with } => {
                let folder = |package| path(package).parent().unwrap().to_owned();
                let aside = self.dir().join("aside");
                let _ = fs::rename(folder(package), &aside);
                let _ = fs::rename(folder(with), folder(package));
                let _ = fs::rename(&aside, folder(with));
            }
            Event::Link { package, to } => {
                if package != to && path(to).is_file() && path(package).is_file() {
                    fs::remove_file(path(package)).unwrap();
                    fs::hard_link(path(to), path(package)).unwrap();
                }
            }
            Event::Replace { package, by } => {
                let temporary = self.dir().join("temporary");
                if path(package).is_file() && fs::copy(path(by), &temporary).is_ok() {
                    fs::rename(&temporary, path(package)).unwrap();
                }
            }
            Event::Touch { package } => {
                if let Ok(file) = OpenOptions::new().write(true).open(path(package)) {
                    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
                }
            }
            Event::Remove { package } => drop(fs::remove_file(path(package))),
            Event::RemoveFolder { package } => self.remove_folder(path(package).parent().unwrap()),
            // A package's folder that is kept elsewhere, behind a link.
            Event::MoveAway { package } => {
                let (path, elsewhere) = (path(package), self.dir().join(format!("elsewhere-{package}")));
                let folder = path.parent().unwrap();
                if folder.is_dir() && !folder.is_symlink() && !elsewhere.exists() {
                    fs::rename(folder, &elsewhere).unwrap();
                    symlink(&elsewhere, folder).unwrap();
                }
            }
            Event::LoseCache => drop(fs::remove_file(self.cache_file())),
            Event::KeepCache => drop(fs::copy(self.cache_file(), self.dir().join("kept"))),
            Event::OldCache => drop(fs::copy(self.dir().join("kept"), self.cache_file())),
            Event::Tick => self.wait_for_the_clock(),
            Event::Index { .. } => {}
        }
    }

    fn add(&self, path: &Path, text: &str) {
        if let Ok(mut file) = OpenOptions::new().append(true).open(path) {
            file.write_all(text.as_bytes()).unwrap();
        }
    }

    fn remove_folder(&self, folder: &Path) {
        if folder.is_symlink() {
            fs::remove_file(folder).unwrap();
        } else if folder.is_dir() {
            fs::remove_dir_all(folder).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn it_says_what_the_full_index_says_after_any_events(
        start in 1..7_u32,
        events in prop::collection::vec(any_event(), 1..40),
    ) {
        let world = World::new();
        for package in &PACKAGES[..2] {
            long_history(&world, package, start);
        }
        for event in &events {
            world.apply(event);
            let Event::Index { number, since, times } = event else { continue };
            let previous = since.map(|since| World::new().generate(since, None).status);
            for _ in 0..*times {
                let remembered = world.update(*number, previous.as_ref());
                prop_assert_eq!(all(&remembered), all(&world.generate(*number, previous.as_ref())));
                world.wait_for_the_clock();
            }
        }
    }
}
