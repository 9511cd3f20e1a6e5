//! Tasks and values that they promise each other.

use std::cell::Cell;
use std::future::pending;
use std::num::NonZero;
use std::rc::Rc;
use std::time::Duration;

use buildbook_memo::{Error, Feedback, Fut, Memo, Wait, fail};

use crate::support::Project;

#[test]
fn tasks_wait_for_operations_and_for_each_other() {
    let project = Project::new();
    project.put("in", "5");
    let mut memo = project.memo();
    let (setter, number) = memo.future::<u32>();
    let seen = Rc::new(Cell::new(0));
    for _ in 0..3 {
        let (seen, number) = (Rc::clone(&seen), number.clone());
        memo.task(|_| async move {
            let number = number.await?;
            seen.set(seen.get() + number);
            Ok(())
        });
    }
    memo.task(|memo| async move {
        memo.file_ready("in");
        let text = memo.read("in").await?;
        memo.mkdir("made/folder").await?;
        memo.mkdir("made/folder").await?;
        memo.write("made/folder/out", text.clone()).await?;
        memo.copy("made/folder/out", "copy").mode(0o755).await?;
        memo.wait_files(["made/folder/out", "copy"]).await?;
        setter.set(String::from_utf8_lossy(&text).parse().map_err(fail)?);
        Ok(())
    });
    let report = memo.finish();
    assert!(report.is_success(), "{report}");
    assert_eq!(seen.get(), 15);
    assert_eq!(number.value(), Some(5));
    assert_eq!(project.get("copy"), "5");
}

#[test]
fn a_task_that_waits_in_vain_is_told_why_and_can_go_on() {
    let project = Project::new();
    let mut memo = project.memo();
    let told = Rc::new(Cell::new(false));
    let note = Rc::clone(&told);
    memo.task(|memo| async move {
        let error = memo.read("nobody/makes/this").await.unwrap_err();
        let Error::Aborted { path, .. } = &error else { panic!("{error}") };
        assert!(path.ends_with("nobody/makes/this"));
        assert!(matches!(error.root(), Error::NeverReady { .. }));
        memo.write("instead", "something else").await?;
        note.set(true);
        Ok(())
    });
    let report = memo.finish();
    assert!(told.get());
    assert_eq!(report.never_ready, [project.path("nobody/makes/this")]);
    assert!(report.tasks.is_empty(), "it went on");
    assert!(!report.is_success(), "the file is missing all the same");
    assert_eq!(project.get("instead"), "something else");
}

#[test]
fn a_value_that_is_dropped_wakes_who_waits_for_it() {
    let project = Project::new();
    let mut memo = project.memo();
    let (setter, value) = memo.future::<()>();
    let (kept, _unused): (_, Fut<u8>) = memo.future();
    memo.task(|_| value);
    memo.task(|memo| async move {
        memo.write("out", "x").await?;
        drop(setter);
        Err(fail("no reason"))
    });
    let report = memo.finish();
    drop(kept);
    assert_eq!(report.abandoned.len(), 2);
    assert!(report.abandoned.iter().all(|place| place.contains("tasks.rs")), "{:?}", report.abandoned);
    assert!(
        matches!(report.tasks[0].error, Error::Failed { .. })
            || matches!(report.tasks[1].error, Error::Failed { .. })
    );
    assert_eq!(report.tasks.len(), 2);
}

#[test]
fn a_task_that_panics_or_waits_for_nothing_fails_the_build_and_no_other_task() {
    let project = Project::new();
    let mut memo = project.memo();
    memo.task(|_| async { panic!("on purpose") });
    memo.task(|_| pending());
    memo.task(|memo| async move { memo.write("out", "x").await });
    let report = memo.finish();
    let messages: Vec<String> = report.tasks.iter().map(|task| task.error.to_string()).collect();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0], "panicked: on purpose");
    assert!(messages[1].contains("waits for something that never comes"), "{}", messages[1]);
    assert_eq!(project.get("out"), "x");
}

#[test]
fn more_can_be_asked_for_after_the_end() {
    let project = Project::new();
    let mut memo = project.memo();
    let _one = memo.write("one", "1").start();
    memo.finish().into_result().unwrap();
    let _two = memo.copy("one", "two").start();
    memo.finish().into_result().unwrap();
    assert_eq!(project.get("two"), "1");
}

#[test]
fn after_the_memo_is_gone_everything_is_cancelled() {
    let project = Project::new();
    let memo = project.memo();
    let handle = memo.handle().clone();
    drop(memo);
    let running = handle.write("one", "1").start();
    let mut other = Project::new().memo();
    other.task(|_| async move {
        assert!(matches!(running.await, Err(Error::Cancelled)));
        Ok(())
    });
    other.finish().into_result().unwrap();
}

#[test]
fn stirring_without_waiting_returns_at_once() {
    let project = Project::new();
    let mut memo = project.memo();
    let (setter, value) = memo.future::<u8>();
    memo.task(|_| async move { value.await.map(drop) });
    memo.stir(Wait::Not);
    memo.stir(Wait::Block);
    setter.set(1);
    memo.finish().into_result().unwrap();
}

#[test]
fn a_listener_may_ask_for_more() {
    let project = Project::new();
    let mut memo = project.memo();
    let handle = memo.handle().clone();
    let mut is_first = true;
    memo.on_feedback(move |_| {
        if std::mem::take(&mut is_first) {
            let _two = handle.write("two", "2").start();
        }
    });
    let _one = memo.write("one", "1").start();
    memo.finish().into_result().unwrap();
    assert_eq!(project.get("two"), "2");
}

#[test]
fn the_end_of_long_work_is_told_while_the_next_is_done() {
    let project = Project::new();
    let mut memo = Memo::new(project.settings().file_threads(NonZero::<usize>::MIN));
    let (tell, told) = std::sync::mpsc::channel();
    memo.on_feedback(move |feedback| {
        if let Feedback::OpComplete { .. } = feedback {
            let _ = tell.send(());
        }
    });
    let long = || {
        std::thread::sleep(Duration::from_millis(30));
        Ok(Vec::new())
    };
    // Nothing wakes the memo while this one is at work, with another one to follow.
    let waits = move || told.recv_timeout(Duration::from_secs(60)).map(|()| Vec::new()).map_err(fail);
    drop(memo.write_with("long", "", long).start());
    drop(memo.write_with("waits", "", waits).start());
    drop(memo.write("last", "").start());
    memo.finish().into_result().unwrap();
}

#[test]
fn who_names_files_may_ask_for_them_at_the_same_time() {
    let project = Project::new();
    let mut memo = project.memo();
    let handle = memo.handle().clone();
    memo.task(async move |memo| {
        let ask = |name| {
            drop(handle.write(name, "some").start());
            name
        };
        memo.wait_files(["a", "b"].into_iter().map(ask)).await?;
        memo.write("c", "some").reads(["d"].into_iter().map(ask)).await
    });
    memo.finish().into_result().unwrap();
    assert_eq!(["a", "b", "c", "d"].map(|name| project.get(name)), ["some"; 4]);
}
