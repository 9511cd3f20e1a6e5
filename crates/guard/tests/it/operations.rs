//! When an operation comes out, and as what (row U1 of the acceptance list, faults B-1 and B-10).

use buildbook_guard::{Allowed, FileStatus, Guard};

use crate::{drained, named};

#[test]
fn an_operation_comes_out_when_the_last_of_its_files_is_ready() {
    let mut guard = Guard::new();
    let files = named(&mut guard, ["a", "b", "c"]);
    guard.add("op", &files, &[]);
    for file in files {
        assert_eq!(guard.allowed(), None);
        guard.set_file_ready(file).unwrap();
    }
    assert_eq!(drained(&mut guard), [Allowed::Ready("op")]);
}

#[test]
fn an_operation_that_reads_nothing_or_only_ready_files_comes_out_at_once() {
    let mut guard = Guard::new();
    let [a, b] = named(&mut guard, ["a", "b"]);
    guard.add("reads nothing", &[], &[a]);
    guard.set_file_ready(b).unwrap();
    guard.add("reads b", &[b, b], &[]);
    assert_eq!(drained(&mut guard), [Allowed::Ready("reads nothing"), Allowed::Ready("reads b")]);
}

#[test]
fn a_file_that_will_never_be_ready_aborts_every_reader_once() {
    let mut guard = Guard::new();
    let [a, b, c] = named(&mut guard, ["a", "b", "c"]);
    guard.add("both", &[a, b], &[]);
    guard.add("b", &[b], &[]);
    guard.add("c", &[c], &[]);
    guard.set_file_never(b).unwrap();
    assert_eq!(
        drained(&mut guard),
        [Allowed::Aborted { op: "both", never: b }, Allowed::Aborted { op: "b", never: b }]
    );
    // Whatever becomes of its other file, the first operation has come out.
    guard.set_file_never(a).unwrap();
    assert_eq!(drained(&mut guard), []);
    assert_eq!(guard.guarded_ops(), [&"c"]);
}

#[test]
fn an_aborted_operation_stays_aborted_when_its_other_files_get_ready() {
    let mut guard = Guard::new();
    let [a, b, c] = named(&mut guard, ["a", "b", "c"]);
    guard.add("op", &[a, b, c], &[]);
    guard.set_file_ready(a).unwrap();
    guard.set_file_never(b).unwrap();
    guard.set_file_ready(c).unwrap();
    assert_eq!(drained(&mut guard), [Allowed::Aborted { op: "op", never: b }]);
}

#[test]
fn an_operation_that_reads_a_never_file_is_aborted_when_it_is_added() {
    let mut guard = Guard::new();
    let [a, b, c, d] = named(&mut guard, ["a", "b", "c", "d"]);
    guard.set_file_never(d).unwrap();
    guard.set_file_never(c).unwrap();
    guard.set_file_ready(b).unwrap();
    guard.add("op", &[a, b, c, d], &[]);
    assert_eq!(drained(&mut guard), [Allowed::Aborted { op: "op", never: c }]);
    // It waits for nothing, although it came with a file that is undecided.
    assert_eq!(guard.undecided_files(), []);
    guard.set_file_ready(a).unwrap();
    assert_eq!(drained(&mut guard), []);
}

#[test]
fn a_file_that_is_read_twice_counts_once() {
    let mut guard = Guard::new();
    let [a, b] = named(&mut guard, ["a", "b"]);
    guard.add("ready", &[a, b, a, a, b], &[]);
    guard.add("aborted", &[b, b], &[]);
    guard.set_file_ready(a).unwrap();
    assert_eq!(guard.allowed(), None);
    guard.set_file_ready(b).unwrap();
    assert_eq!(drained(&mut guard), [Allowed::Ready("ready"), Allowed::Ready("aborted")]);

    let c = guard.file("c");
    guard.add("twice", &[c, c], &[]);
    guard.set_file_never(c).unwrap();
    assert_eq!(drained(&mut guard), [Allowed::Aborted { op: "twice", never: c }]);
}

#[test]
fn operations_come_out_in_the_order_in_which_they_were_allowed_and_added() {
    let mut guard = Guard::new();
    let [a, b] = named(&mut guard, ["a", "b"]);
    // Places of operations that came out are used again, and must not decide the order.
    guard.add(0, &[a], &[]);
    guard.set_file_ready(a).unwrap();
    assert_eq!(drained(&mut guard), [Allowed::Ready(0)]);
    let c = guard.file("c");
    for op in 1..4 {
        guard.add(op, &[b], &[]);
    }
    for op in 4..7 {
        guard.add(op, &[b, c], &[]);
    }
    guard.set_file_ready(c).unwrap();
    guard.set_file_ready(b).unwrap();
    guard.add(7, &[b], &[]);
    assert_eq!(drained(&mut guard), [1, 2, 3, 4, 5, 6, 7].map(Allowed::Ready));
}

#[test]
fn an_operation_that_takes_the_place_of_another_is_not_released_by_the_files_of_that_one() {
    let mut guard = Guard::new();
    let [a, b, c] = named(&mut guard, ["a", "b", "c"]);
    guard.add("aborted", &[a, b], &[]);
    guard.set_file_never(a).unwrap();
    assert_eq!(drained(&mut guard), [Allowed::Aborted { op: "aborted", never: a }]);
    guard.add("later", &[c], &[]);
    guard.set_file_ready(b).unwrap();
    assert_eq!(drained(&mut guard), [], "the later operation waits for c");
    guard.set_file_ready(c).unwrap();
    assert_eq!(drained(&mut guard), [Allowed::Ready("later")]);
}

#[test]
fn what_an_aborted_operation_writes_is_decided_by_the_caller() {
    let mut guard = Guard::new();
    let [a, b, c, d] = named(&mut guard, ["a", "b", "c", "d"]);
    let writes = [[b], [c], [d]];
    for (op, read) in [a, b, c].into_iter().enumerate() {
        guard.add(op, &[read], &writes[op]);
    }
    guard.set_file_never(a).unwrap();
    let mut aborted = Vec::new();
    while let Some(allowed) = guard.allowed() {
        let op = allowed.into_op();
        assert_eq!(guard.file_status(writes[op][0]), FileStatus::Undecided);
        guard.set_file_never(writes[op][0]).unwrap();
        aborted.push(op);
    }
    assert_eq!(aborted, [0, 1, 2], "one step at a time, everything above is aborted");
    assert_eq!(guard.never_files(), [a, b, c, d]);
}

#[test]
fn an_operation_may_be_any_value() {
    struct Job(Box<dyn FnOnce() -> u32 + Send>);
    fn can_move_to_another_thread<T: Send>(value: T) -> T {
        value
    }
    let mut guard = can_move_to_another_thread(Guard::default());
    guard.add(Job(Box::new(|| 42)), &[], &[]);
    let Some(Allowed::Ready(Job(job))) = guard.allowed() else { panic!("the job reads nothing") };
    assert_eq!(job(), 42);
}

#[test]
fn a_guard_that_is_dropped_drops_what_it_holds() {
    let held = std::rc::Rc::new(());
    let mut guard = Guard::new();
    let file = guard.file("a");
    guard.add(held.clone(), &[file], &[]);
    guard.add(held.clone(), &[], &[]);
    assert_eq!(std::rc::Rc::strong_count(&held), 3);
    drop(guard);
    assert_eq!(std::rc::Rc::strong_count(&held), 1);
}
