//! How long a guard takes for a million operations: each reading a file of its own, one of them reading a million files,
//! all reading one file, all in one chain, and all in a circle. A path is looked up when an operation is added; when
//! its file is decided, callers either know its number still, or look it up once more.
#![allow(clippy::print_stdout, reason = "a program that prints its measurements")]

use std::time::{Duration, Instant};

use buildbook_guard::{Allowed, Error, FileId, Guard};

const MILLION: usize = 1_000_000;

fn main() -> Result<(), Error> {
    let paths: Vec<String> = (0..MILLION).map(|n| format!("/farm/build/object-{n:07}.o")).collect();
    report("1,000,000 operations with a read each", || separate(&paths, false))?;
    report("the same, paths looked up once more", || separate(&paths, true))?;
    report("fan-in: one operation with 1,000,000 reads", || fan_in(&paths, false))?;
    report("the same, paths looked up once more", || fan_in(&paths, true))?;
    report("fan-out: 1,000,000 operations with one read", || fan_out(&paths))?;
    report("chain of 1,000,000 operations", || chain(&paths))?;
    report("circle of 1,000,000 operations, found", || circle(&paths))
}

/// Prints the best of five, since other programs run at the same time.
fn report(what: &str, measured: impl Fn() -> Result<Duration, Error>) -> Result<(), Error> {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        best = best.min(measured()?);
    }
    println!("{what:45} {:7.3} s", best.as_secs_f64());
    Ok(())
}

fn name(guard: &mut Guard<usize>, paths: &[String]) -> Vec<FileId> {
    paths.iter().map(|path| guard.file(path)).collect()
}

fn separate(paths: &[String], is_looked_up: bool) -> Result<Duration, Error> {
    let start = Instant::now();
    let mut guard = Guard::new();
    let mut files = Vec::new();
    for (op, path) in paths.iter().enumerate() {
        let file = guard.file(path);
        guard.add(op, &[file], &[]);
        files.push(file);
    }
    set_all_ready(&mut guard, paths, &files, is_looked_up)?;
    drain(&mut guard, MILLION);
    Ok(start.elapsed())
}

fn fan_in(paths: &[String], is_looked_up: bool) -> Result<Duration, Error> {
    let start = Instant::now();
    let mut guard = Guard::new();
    let files = name(&mut guard, paths);
    guard.add(0, &files, &[]);
    set_all_ready(&mut guard, paths, &files, is_looked_up)?;
    drain(&mut guard, 1);
    Ok(start.elapsed())
}

fn set_all_ready(
    guard: &mut Guard<usize>,
    paths: &[String],
    files: &[FileId],
    is_looked_up: bool,
) -> Result<(), Error> {
    for (path, file) in paths.iter().zip(files) {
        let file = if is_looked_up { guard.file(path) } else { *file };
        guard.set_file_ready(file)?;
    }
    Ok(())
}

fn fan_out(paths: &[String]) -> Result<Duration, Error> {
    let start = Instant::now();
    let mut guard = Guard::new();
    let header = guard.file("/farm/build/config.h");
    for (op, path) in paths.iter().enumerate() {
        let object = guard.file(path);
        guard.add(op, &[header], &[object]);
    }
    guard.set_file_ready(header)?;
    drain(&mut guard, MILLION);
    Ok(start.elapsed())
}

fn chain(paths: &[String]) -> Result<Duration, Error> {
    let start = Instant::now();
    let mut guard = Guard::new();
    let files = name(&mut guard, paths);
    for (op, link) in files.windows(2).enumerate() {
        guard.add(op, &link[..1], &link[1..]);
    }
    guard.set_file_ready(files[0])?;
    while let Some(allowed) = guard.allowed() {
        guard.set_file_ready(files[allowed.into_op() + 1])?;
    }
    assert!(guard.guarded_ops().is_empty());
    Ok(start.elapsed())
}

fn circle(paths: &[String]) -> Result<Duration, Error> {
    let start = Instant::now();
    let mut guard = Guard::new();
    let files = name(&mut guard, paths);
    for op in 0..MILLION {
        guard.add(op, &[files[op]], &[files[(op + 1) % MILLION]]);
    }
    assert!(guard.root_undecided_files().is_empty());
    assert_eq!(guard.cycles().first().map(Vec::len), Some(MILLION));
    Ok(start.elapsed())
}

fn drain(guard: &mut Guard<usize>, expected: usize) {
    let mut ready = 0;
    while let Some(allowed) = guard.allowed() {
        ready += usize::from(matches!(allowed, Allowed::Ready(_)));
    }
    assert_eq!(ready, expected);
}
