//! Builds of random graphs between random edits, against what a function says they must give.

use std::fs;
use std::path::{Path, PathBuf};

use buildbook_memo::{Memo, Status};

use crate::shell::sh;
use crate::support::{Project, Random};

const SOURCES: u32 = 4;
const OPERATIONS: u32 = 8;
const EDITS: u32 = 30;

/// An operation puts its flag and what it reads, one after the other, into its file.
#[derive(Clone)]
struct Step {
    flag: u32,
    reads: Vec<u32>,
}

/// Sources come first; after them, each file is written by a step that reads files before it.
struct Graph {
    sources: Vec<String>,
    steps: Vec<Step>,
}

fn name(file: u32) -> String {
    if file < SOURCES { format!("source{file}") } else { format!("out/{file}") }
}

fn step(file: u32, random: &mut Random) -> Step {
    let count = 1 + random.below(3);
    Step { flag: random.below(3), reads: (0..count).map(|_| random.below(file)).collect() }
}

/// Few texts, mostly of one length: results are found again, and sizes give nothing away.
fn text(random: &mut Random) -> String {
    ["one\n", "two\n", "six\n", "three\n"][random.below(4) as usize].to_owned()
}

impl Graph {
    fn new(random: &mut Random) -> Graph {
        let sources = (0..SOURCES).map(|_| text(random)).collect();
        Graph { sources, steps: (SOURCES..SOURCES + OPERATIONS).map(|file| step(file, random)).collect() }
    }

    fn expected(&self, file: u32) -> String {
        match self.steps.get(file.wrapping_sub(SOURCES) as usize) {
            None => self.sources[file as usize].clone(),
            Some(step) => {
                let reads: String = step.reads.iter().map(|read| self.expected(*read)).collect();
                format!("{}\n{reads}", step.flag)
            }
        }
    }

    /// Asks for everything, the last first: the order in which things are asked for must not matter.
    fn ask(&self, memo: &Memo) {
        for file in (0..SOURCES + OPERATIONS).rev() {
            let Some(step) = self.steps.get(file.wrapping_sub(SOURCES) as usize) else {
                memo.file_ready(name(file));
                continue;
            };
            let reads = step.reads.iter().map(|read| name(*read));
            let cmd = sh(memo, "out=$1; flag=$2; shift 2; { echo $flag; cat \"$@\"; } > $out");
            let cmd = cmd.arg(name(file)).arg(step.flag.to_string()).args(reads.clone());
            let _running = memo.spawn(cmd).reads(reads).writes([name(file)]).start();
        }
    }
}

/// Builds, and says how many processes ran.
fn build(project: &Project, graph: &Graph, after: &str) -> usize {
    let mut memo = project.memo();
    graph.ask(&memo);
    let report = memo.finish();
    assert!(report.is_success(), "{after}: {report}");
    for file in 0..SOURCES + OPERATIONS {
        assert_eq!(project.get(&name(file)), graph.expected(file), "{} {after}", name(file));
    }
    memo.ops().iter().filter(|op| matches!(op.status, Status::Executed)).count()
}

/// Changes something, and says what.
fn edit(project: &Project, graph: &mut Graph, random: &mut Random) -> String {
    let source = random.below(SOURCES);
    let operation = random.below(OPERATIONS);
    let path = project.path(&name(source));
    let out = project.path(&name(SOURCES + operation));
    let put = |project: &Project, graph: &mut Graph, text: String| {
        project.put(&name(source), &text);
        graph.sources[source as usize] = text;
    };
    match random.below(10) {
        0 | 1 => {
            put(project, graph, text(random));
            format!("after {} was edited", name(source))
        }
        2 => {
            let before = path.metadata().unwrap().modified().unwrap();
            put(project, graph, text(random));
            fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
            format!("after {} was edited and its time set back", name(source))
        }
        3 => {
            let new = text(random);
            project.put("new", &new);
            fs::rename(project.path("new"), &path).unwrap();
            graph.sources[source as usize] = new;
            format!("after {} was replaced", name(source))
        }
        4 => {
            let new = text(random);
            project.put(&format!("elsewhere{source}"), &new);
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink(format!("elsewhere{source}"), &path).unwrap();
            graph.sources[source as usize] = new;
            format!("after {} became a link", name(source))
        }
        5 => {
            graph.steps[operation as usize] = step(SOURCES + operation, random);
            format!("after step {operation} became another")
        }
        6 => {
            let _ = fs::remove_file(&out);
            format!("after {} was removed", out.display())
        }
        7 => {
            let text = project.get(&name(SOURCES + operation));
            fs::write(&out, text.replace('o', "0")).unwrap();
            format!("after {} was edited", out.display())
        }
        8 => {
            let files = files_below(&project.path("cache"));
            let damaged = &files[random.below(u32::try_from(files.len()).unwrap()) as usize];
            damage(damaged, random);
            format!("after {} was damaged", damaged.display())
        }
        _ => {
            let part = ["entries", "objects", "known", "recent"][random.below(4) as usize];
            let path = project.path("cache").join(part);
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            format!("after {part} of the cache were lost")
        }
    }
}

/// Cuts a file short, changes a byte of it, or removes it.
fn damage(path: &Path, random: &mut Random) {
    let mut bytes = fs::read(path).unwrap();
    let place = random.below(u32::try_from(bytes.len().max(1)).unwrap()) as usize;
    match random.below(3) {
        0 => bytes.truncate(place),
        1 => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 4),
        _ => return fs::remove_file(path).unwrap(),
    }
    // Objects cannot be written to, except by somebody who may do anything.
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn check(seed: u64) {
    let mut random = Random::new(seed);
    let project = Project::new();
    let mut graph = Graph::new(&mut random);
    for source in 0..SOURCES {
        project.put(&name(source), &graph.sources[source as usize]);
    }
    assert_eq!(build(&project, &graph, "at first"), OPERATIONS as usize);
    let mut runs = 0;
    for _ in 0..EDITS {
        let after = edit(&project, &mut graph, &mut random);
        let after = format!("{after} (seed {seed})");
        runs += build(&project, &graph, &after);
        assert_eq!(build(&project, &graph, &after), 0, "nothing is left to do {after}");
    }
    assert!(runs > 0 && runs < (EDITS * OPERATIONS) as usize, "{runs} runs, seed {seed}");
}

#[test]
fn whatever_is_edited_a_build_gives_what_a_clean_one_gives() {
    (1..=8).for_each(check);
}
