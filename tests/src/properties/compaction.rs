//! Compaction, which must change no answer.

use std::fmt::Write as _;

use buildbook::history::{Entry, History, Retention};
use buildbook::layout::{PackageId, PackagesTree, RunId, Timestamp};
use buildbook::status_index::{Change, Generated, Standing, Totals, generate};

use super::{at, file, scratch};

/// Compaction changes no answer of `read_latest`, `read_blessed`, `newest` and of the index, keeps every line that
/// is not an entry, and is done after one time.
///
/// The first byte says what may go; the rest is taken for entries of few hashes, runs and results, and for debris.
///
/// # Panics
///
/// If it does not hold.
pub fn check_compaction(bytes: &[u8]) {
    let [first, rest @ ..] = bytes else { return };
    let folder = scratch();
    let history = History::at(PackagesTree::at(folder.path()));
    let package: PackageId = "a.1".parse().unwrap();
    let path = file(history.tree().history(&package), history_of(rest).as_bytes());
    let now = at("2026-06-01T00:00:00Z");
    let max_entries = usize::from(first & 0x0f).checked_sub(1);
    let retention = Retention { max_entries, ..Retention::days(u32::from(first >> 4) * 8) };

    let answers = || {
        let mut answers = Answers::of(&history, &package, now);
        // A limit may give up what a build came from, but not where it stands.
        answers.changes.retain(|_| max_entries.is_none());
        answers
    };
    let before = answers();
    let lines = history.read(&package).unwrap().problems.len();
    let compacted = history.compact(&package, &retention, now).unwrap();
    assert_eq!(answers(), before);
    assert_eq!(history.read(&package).unwrap().problems.len(), lines, "what is no entry stays");
    let once = std::fs::read(&path).unwrap();
    assert_eq!(once.len() as u64, compacted.bytes_after);

    let again = history.compact(&package, &retention, now).unwrap();
    assert_eq!(again.lines_before, again.lines_after, "a second time there is nothing to do");
    assert_eq!(std::fs::read(&path).unwrap(), once);
}

/// What readers answer now.
#[derive(Debug, PartialEq)]
struct Answers {
    latest: Vec<Entry>,
    blessed: Option<Entry>,
    newest: Vec<Entry>,
    totals: [Totals; 2],
    standings: Vec<Standing>,
    changes: Vec<Change>,
    new_packages: Vec<PackageId>,
}

impl Answers {
    fn of(history: &History, package: &PackageId, now: Timestamp) -> Answers {
        // The newest run there is: what was so after an older one is what compaction may give up.
        let run =
            history.read(package).unwrap().entries.iter().filter_map(|entry| entry.run.parse().ok()).max();
        let run: RunId = run.unwrap_or_else(|| "2026-03-01-000000".parse().unwrap());
        let Generated { status, standings, .. } = generate(history, &run, None, now).unwrap();
        Answers {
            latest: history.read_latest(package).unwrap().entries,
            blessed: history.read_blessed(package).unwrap().entry,
            newest: history.newest(package, 1).unwrap().entries,
            totals: [status.blessed_totals, status.non_blessed_totals],
            standings,
            // Which of several blessed builds of one result a new one is compared with is not promised.
            changes: status.changes.into_iter().map(|change| Change { from_hash: None, ..change }).collect(),
            new_packages: status.new_packages,
        }
    }
}

/// Two bytes make an entry; a first byte of 240 or more makes debris.
fn history_of(bytes: &[u8]) -> String {
    const CATEGORIES: [&str; 8] = [
        "success",
        "build_failure",
        "doc_success",
        "transient_failure",
        "dependency_failure",
        "doc_failure",
        "success",
        "build_failure",
    ];
    const DEBRIS: [&str; 4] = ["", "   ", "{\"ts\":\"2026", "[1]"];
    let mut text = String::new();
    for (index, pair) in bytes.chunks_exact(2).enumerate() {
        let (what, when) = (usize::from(pair[0]), usize::from(pair[1]));
        if what >= 240 {
            text.push_str(DEBRIS[when % DEBRIS.len()]);
            // Sometimes the next entry is glued to it, as after a crash.
            text.push_str(if when < 128 { "\n" } else { "" });
            continue;
        }
        let category = CATEGORIES[what % 8];
        let status = if category.ends_with("success") { "success" } else { "failure" };
        let (hash, blessed) = (what / 8 % 5, what / 40 % 2 == 0);
        let (day, minute) = (1 + when % 28, index % 60);
        let run =
            if when >= 252 { "by hand".to_owned() } else { format!("2026-04-{day:02}-{:06}", when / 64) };
        writeln!(
            text,
            "{{\"ts\":\"2026-04-{day:02}T10:{minute:02}:00Z\",\"run\":\"{run}\",\"build_hash\":\"build-{hash:012x}\",\
             \"status\":\"{status}\",\"category\":\"{category}\",\"compiler\":\"5.3.0\",\"blessed\":{blessed}}}"
        )
        .unwrap();
    }
    text
}
