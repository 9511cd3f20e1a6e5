//! Histories whose size is known.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use buildbook::history::History;
use buildbook::layout::{PackageId, PackagesTree, RunId, Timestamp};

/// So many packages, each with the results of so many runs, every line so often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Farm {
    pub(crate) packages: usize,
    pub(crate) runs: usize,
    /// A repeated line says nothing new, so that only its length tells a history from a shorter one.
    pub(crate) repeat: usize,
}

impl Farm {
    pub(crate) fn make(self, folder: &Path) {
        for number in 0..self.packages {
            let path = history(folder).tree().history(&package(number));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut text = String::new();
            for run in 0..self.runs {
                (0..self.repeat).for_each(|_| text.push_str(&line(run)));
            }
            fs::write(path, text).unwrap();
        }
    }

    /// The files, and how long they are together.
    pub(crate) fn files(self, folder: &Path) -> (Vec<PathBuf>, u64) {
        let files: Vec<PathBuf> =
            (0..self.packages).map(|number| history(folder).tree().history(&package(number))).collect();
        let bytes = files.iter().map(|file| fs::metadata(file).unwrap().len()).sum();
        (files, bytes)
    }
}

pub(crate) fn history(folder: &Path) -> History {
    History::at(PackagesTree::at(folder.join("packages")))
}

pub(crate) fn package(number: usize) -> PackageId {
    format!("package-{number}.1.0").parse().unwrap()
}

pub(crate) fn run_id(run: usize) -> RunId {
    RunId::starting_at(time(run))
}

pub(crate) fn time(run: usize) -> Timestamp {
    Timestamp::from_unix(1_772_344_800 + 86_400 * i64::try_from(run).unwrap()).unwrap()
}

/// A result: builds fail in every third run, and get another hash in every fifth.
pub(crate) fn line(run: usize) -> String {
    let (ts, id, hash) = (time(run), run_id(run), run / 5);
    let word = if run % 3 == 2 { ("failure", "build_failure") } else { ("success", "success") };
    let mut line = String::new();
    writeln!(
        line,
        "{{\"ts\":\"{ts}\",\"run\":\"{id}\",\"build_hash\":\"build-{hash:012x}\",\"status\":\"{}\",\"category\":\"{}\",\
         \"compiler\":\"5.3.0\",\"blessed\":true}}",
        word.0, word.1
    )
    .unwrap();
    line
}
