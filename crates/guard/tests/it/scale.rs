//! A million of everything (row U3; `examples/million.rs` measures what is shown to work here).

use std::thread;

use buildbook_guard::{Allowed, Guard};

use crate::drained;

const MILLION: usize = 1_000_000;

/// Runs on a stack that holds no more than some hundred frames.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(64 * 1024).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_million_operations_with_files_of_their_own_come_out_in_order() {
    let mut guard = Guard::new();
    let files: Vec<_> = (0..MILLION).map(|n| guard.file(format!("out/{n}"))).collect();
    for (op, file) in files.iter().enumerate() {
        guard.add(op, &[*file], &[]);
    }
    for file in files.iter().rev() {
        guard.set_file_ready(*file).unwrap();
    }
    let mut expected = (0..MILLION).rev();
    while let Some(allowed) = guard.allowed() {
        assert_eq!(Some(allowed), expected.next().map(Allowed::Ready));
    }
    assert_eq!(expected.next(), None);
}

#[test]
fn one_operation_waits_for_a_million_files() {
    let mut guard = Guard::new();
    let files: Vec<_> = (0..MILLION).map(|n| guard.file(format!("in/{n}"))).collect();
    guard.add("op", &files, &[]);
    let (last, others) = files.split_last().unwrap();
    for file in others {
        guard.set_file_ready(*file).unwrap();
    }
    assert_eq!(guard.allowed(), None);
    guard.set_file_ready(*last).unwrap();
    assert_eq!(drained(&mut guard), [Allowed::Ready("op")]);
}

#[test]
fn a_chain_of_a_million_operations_is_run_given_up_and_dropped_without_stack() {
    on_a_small_stack(|| {
        for is_ready in [true, false] {
            let mut guard = Guard::new();
            let files: Vec<_> = (0..=MILLION).map(|n| guard.file(format!("link/{n}"))).collect();
            for op in 0..MILLION {
                guard.add(op, &files[op..=op], &files[op + 1..=op + 1]);
            }
            assert_eq!(guard.root_undecided_files(), files[..1]);
            assert!(guard.cycles().is_empty());
            let set = if is_ready { Guard::set_file_ready } else { Guard::set_file_never };
            set(&mut guard, files[0]).unwrap();
            let mut count = 0;
            while let Some(allowed) = guard.allowed() {
                assert_eq!(matches!(allowed, Allowed::Ready(_)), is_ready);
                assert_eq!(allowed.into_op(), count);
                count += 1;
                set(&mut guard, files[count]).unwrap();
            }
            assert_eq!(count, MILLION);
        }
    });
}

#[test]
fn a_circle_of_a_million_operations_is_found_without_stack() {
    on_a_small_stack(|| {
        let mut guard = Guard::new();
        let files: Vec<_> = (0..MILLION).map(|n| guard.file(format!("ring/{n}"))).collect();
        for op in 0..MILLION {
            guard.add(op, &files[op..=op], &[files[(op + 1) % MILLION]]);
        }
        let cycles = guard.cycles();
        assert_eq!(cycles.len(), 1);
        assert!(cycles[0].iter().copied().copied().eq(0..MILLION), "all, in the order of addition");
    });
}
