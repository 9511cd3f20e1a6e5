//! Chains of any length need no stack (probe P13, row M9).

use std::cell::Cell;
use std::rc::Rc;
use std::thread;

use buildbook_memo::Handle;

use crate::support::Project;

/// Runs on a stack that is small for a debug build, and would not hold a thousand steps on top of each other.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(256 * 1024).spawn(run).unwrap().join().unwrap();
}

#[test]
fn p13_reads_that_follow_each_other_need_no_stack() {
    const READS: usize = 200_000;
    on_a_small_stack(|| {
        let project = Project::new();
        project.put("in", "x");
        let mut memo = project.memo();
        memo.file_ready("in");
        let count = Rc::new(Cell::new(0));
        let counter = Rc::clone(&count);
        memo.task(|memo| async move {
            for _ in 0..READS {
                counter.set(counter.get() + memo.read("in").await?.len());
            }
            Ok(())
        });
        memo.finish().into_result().unwrap();
        assert_eq!(count.get(), READS);
    });
}

#[test]
fn m9_a_million_operations_that_follow_each_other_need_no_stack() {
    const OPERATIONS: usize = 1_000_000;
    on_a_small_stack(|| {
        let project = Project::new();
        let mut memo = project.memo();
        memo.file_ready("in");
        memo.task(|memo| async move {
            for _ in 0..OPERATIONS {
                memo.wait_files(["in"]).await?;
            }
            Ok(())
        });
        memo.finish().into_result().unwrap();
    });
}

/// A task that starts the next one when it has read, as a continuation would.
fn follow(memo: &Handle, left: usize) {
    memo.task(move |memo| async move {
        memo.read("in").await?;
        if left > 1 {
            follow(&memo, left - 1);
        }
        Ok(())
    });
}

#[test]
fn p13_tasks_that_start_each_other_need_no_stack() {
    on_a_small_stack(|| {
        let project = Project::new();
        project.put("in", "x");
        let mut memo = project.memo();
        memo.file_ready("in");
        follow(&memo, 20_000);
        memo.finish().into_result().unwrap();
        assert_eq!(memo.ops().len(), 20_000);
    });
}
