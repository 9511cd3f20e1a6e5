//! The inner functions, without a yardstick: `cargo bench --manifest-path tests/benches/Cargo.toml`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "measures on small files that it makes itself"
)]

use buildbook::batch_util::classify_build_log;
use buildbook::fsio::{Appender, Durability};
use buildbook::history::{Entry, EntryRef, History};
use buildbook::layout::{Book, Timestamp};
use buildbook::status_index::generate;
use buildbook_tests::Spec;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

const LINE: &str = r#"{"ts":"2026-03-09T12:54:44Z","run":"2026-03-09-120000","build_hash":"build-a1b2c3d4e5f6","status":"success","category":"success","compiler":"5.3.0","blessed":true}"#;

#[divan::bench]
fn parse_a_line(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::of_str(LINE)).bench(|| {
        let entry: EntryRef<'_> = serde_json::from_str(black_box(LINE)).unwrap();
        entry.blessed
    });
}

#[divan::bench]
fn write_a_line(bencher: Bencher<'_, '_>) {
    let entry: Entry = serde_json::from_str(LINE).unwrap();
    bencher.bench(|| serde_json::to_vec(black_box(&entry)).unwrap());
}

#[divan::bench]
fn append_a_line(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let mut appender = Appender::open(&folder.path().join("history.jsonl")).unwrap();
    let line = format!("{LINE}\n");
    bencher.bench_local(|| appender.append(black_box(line.as_bytes()), Durability::Cached).unwrap());
}

#[divan::bench]
fn read_a_time() -> Option<Timestamp> {
    Timestamp::parse(black_box("2026-03-09T12:54:44Z")).ok()
}

const LOG: &str = "\
[17/90] cc -O2 -Wall -Iinclude -c src/module.c -o module.o
src/module.c:12:7: warning: unused variable 'size' [-Wunused-variable]
  12 |     let size = measure(&module, depth);
test tests::case_4711 ... ok
make[2]: Entering directory '/build/pretend/lib'
";

#[divan::bench(args = [1, 1_000])]
fn classify(bencher: Bencher<'_, '_>, times: usize) {
    let log = LOG.repeat(times);
    bencher.counter(BytesCount::of_str(&log)).bench(|| classify_build_log(black_box(&log)));
}

#[divan::bench]
fn fold_histories(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let spec = Spec { packages: 50, entries: 50, runs: 10, layers: 0, bare: true, ..Spec::default() };
    let manifest = buildbook_tests::generate(&folder.path().join("book"), &spec).unwrap();
    let packages = Book::at(folder.path().join("book")).platform(&spec.platform).packages();
    let (history, run) = (History::at(packages), manifest.runs.last().unwrap());
    bencher
        .counter(ItemsCount::new(spec.packages * spec.entries))
        .bench(|| generate(&history, run, None, spec.now()).unwrap());
}
