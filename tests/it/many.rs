//! Many processes at once: short forms of `cargo xtask soak --many`.

use buildbook_tests::soak::many;

use crate::soak::start;

#[test]
fn appends_of_many_processes_are_all_there_in_order_beside_a_compaction_and_readers() {
    let folder = tempfile::tempdir().unwrap();
    let done = many::appends(folder.path(), &start, 8, 60).unwrap();
    let figures = done.figures;
    assert!(figures.entries + figures.old_entries >= 8 * 60, "{figures}");
    assert!(figures.reads > 0 && figures.compactions > 0, "{figures}");
}

#[test]
fn two_hundred_runs_that_start_at_the_same_moment_have_two_hundred_names() {
    let folder = tempfile::tempdir().unwrap();
    let done = many::starts(folder.path(), &start, 8, 25).unwrap();
    assert_eq!((done.figures.runs_started, done.figures.runs_finished), (200, 200));
}

#[test]
fn readers_of_a_folder_that_is_published_all_the_time_see_whole_ones() {
    let folder = tempfile::tempdir().unwrap();
    let done = many::swaps(folder.path(), &start, 3, 60, 3).unwrap();
    assert_eq!(done.figures.published, 180);
    assert!(done.figures.reads > 0, "{}", done.figures);
}

#[test]
fn layers_that_are_used_are_not_collected_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let done = many::collections(folder.path(), &start, 4, 100).unwrap();
    assert_eq!(done.figures.used, 400);
}
