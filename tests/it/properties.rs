//! The properties of `buildbook_tests::properties` on the committed corpus, on changes of it, and on bytes that have
//! nothing to do with it. `cargo xtask fuzz` looks for more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use buildbook::notify::{Channel, Notifier, Policy, Settings};
use buildbook_tests::properties::{PROPERTIES, check_replies};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::program::program;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The files of a property's corpus, in the order of their names.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = fuzz().join("corpus").join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |file: PathBuf| (file.display().to_string(), std::fs::read(&file).unwrap());
    files.into_iter().map(read).collect()
}

#[test]
fn every_file_of_the_corpus_has_the_property() {
    for property in PROPERTIES {
        let files = corpus(property.name);
        assert!(files.len() >= 5, "{} has hardly a corpus", property.name);
        for (file, bytes) in files {
            let held = catch_unwind(|| (property.check)(&bytes));
            assert!(held.is_ok(), "{}: {file}", property.name);
        }
    }
}

#[derive(Debug, Clone)]
enum Edit {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Repeat(Index, Index),
    Splice(Index, Index),
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let index = any::<Index>;
    let interesting = prop::sample::select(b"\n\r\0\"\\{}[],:.-/0 \xff".to_vec());
    prop_oneof![
        (index(), interesting.clone()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        (index(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        (index(), prop::collection::vec(interesting, 1..4)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (index(), index()).prop_map(|(from, to)| Edit::Remove(from, to)),
        (index(), index()).prop_map(|(from, to)| Edit::Repeat(from, to)),
        (index(), index()).prop_map(|(seed, at)| Edit::Splice(seed, at)),
    ]
}

fn edited(seeds: &[Vec<u8>], seed: &Index, edits: &[Edit]) -> Vec<u8> {
    let mut bytes = seeds[seed.index(seeds.len())].clone();
    for edit in edits {
        let place = |at: &Index| at.index(bytes.len() + 1);
        match edit {
            Edit::Set(at, byte) => {
                let at = place(at);
                bytes.splice(at..bytes.len().min(at + 1), [*byte]);
            }
            Edit::Insert(at, new) => drop(bytes.splice(place(at)..place(at), new.iter().copied())),
            Edit::Remove(from, to) => {
                let (from, to) = (place(from).min(place(to)), place(from).max(place(to)));
                bytes.drain(from..to);
            }
            Edit::Repeat(from, to) => {
                let (from, to) = (place(from).min(place(to)), place(from).max(place(to)));
                let part = bytes[from..to].to_vec();
                bytes.splice(to..to, part);
            }
            Edit::Splice(seed, at) => {
                let other = &seeds[seed.index(seeds.len())];
                bytes.truncate(place(at));
                bytes.extend_from_slice(&other[at.index(other.len() + 1)..]);
            }
        }
        bytes.truncate(4096);
    }
    bytes
}

/// The same cases in every run.
fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn holds(name: &str, cases: u32, check: impl Fn(&[u8])) {
    let seeds: Vec<Vec<u8>> = corpus(name).into_iter().map(|(_, bytes)| bytes).collect();
    let changed = (any::<Index>(), prop::collection::vec(any_edit(), 1..6))
        .prop_map(move |(seed, edits)| edited(&seeds, &seed, &edits));
    let bytes = prop_oneof![6 => changed, 1 => prop::collection::vec(any::<u8>(), 0..300)];
    let tried = runner(cases).run(&bytes, |bytes| {
        let held = catch_unwind(AssertUnwindSafe(|| check(&bytes)));
        prop_assert!(held.is_ok(), "{}", bytes.escape_ascii());
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{name}: {error}"));
}

#[test]
fn changes_of_the_corpus_have_the_property() {
    for property in PROPERTIES {
        holds(property.name, 100, property.check);
    }
}

/// A message to a server that answers what the bytes say; the first byte chooses the service.
fn deliver(first: u8, address: &str, secret: &str) -> String {
    let channel = [Channel::Slack, Channel::Zulip, Channel::Telegram][usize::from(first) % 3];
    let lookup = |name: &str| {
        Some(match name {
            "SLACK_WEBHOOK_URL" => format!("{address}/{secret}"),
            "ZULIP_SERVER" | "TELEGRAM_API_URL" => address.to_owned(),
            "ZULIP_BOT_EMAIL" => "bot@example.org".to_owned(),
            "ZULIP_BOT_API_KEY" | "TELEGRAM_BOT_TOKEN" => secret.to_owned(),
            "ZULIP_STREAM" => "builds".to_owned(),
            "TELEGRAM_CHAT_ID" => "1".to_owned(),
            _ => return None,
        })
    };
    let settings = Settings::from_lookup(channel, lookup).unwrap();
    let limit = Duration::from_secs(20);
    let policy = Policy {
        connect_timeout: limit,
        attempt_timeout: limit,
        max_attempts: 1,
        budget: limit,
        ..Policy::default()
    };
    match Notifier::new(settings, policy).send("a message") {
        Ok(receipt) => format!("{receipt:?}"),
        Err(error) => format!("{error} {error:?}"),
    }
}

fn replies(bytes: &[u8]) {
    let Some((first, reply)) = bytes.split_first() else { return };
    check_replies(reply, |address, secret| deliver(*first, address, secret));
}

#[test]
fn no_reply_of_a_server_shows_a_secret_or_ends_the_program() {
    for (file, bytes) in corpus("replies") {
        assert!(catch_unwind(|| replies(&bytes)).is_ok(), "{file}");
    }
    holds("replies", 60, replies);
}

/// The parser of plans is the program's own. The plan needs itself in a circle, so that hardly any change of it is run.
#[test]
fn no_change_of_a_plan_ends_the_program_by_a_panic() {
    const PLAN: &str = r#"{"targets":[{"package":"a.1","deps":["b.1"],"command":["true"],"blessed":true,"compiler":"5.3.0"},
        {"package":"b.1","deps":["a.1"],"command":["true"],"env":{"A":"b"},"timeout_seconds":5}]}"#;
    let folder = tempfile::tempdir().unwrap();
    let (root, plan) = (folder.path().join("book"), folder.path().join("plan.json"));
    if program(&root).is_none() {
        return;
    }
    let edits = (any::<Index>(), prop::collection::vec(any_edit(), 0..5));
    let tried = runner(60).run(&edits, |(seed, edits)| {
        let bytes = edited(&[PLAN.as_bytes().to_vec()], &seed, &edits);
        std::fs::write(&plan, &bytes).unwrap();
        let mut command = program(&root).unwrap();
        let output = command.args(["--platform", "test-1", "run"]).arg(&plan).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let ended = output.status.code().is_some_and(|code| code != 101);
        prop_assert!(ended && !said.contains("panicked"), "{}: {said}", bytes.escape_ascii());
        prop_assert!(said.len() < 3000, "{} bytes are said", said.len());
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
}

/// A property without a target would be fuzzed by nobody.
#[test]
fn every_property_has_a_fuzz_target_and_a_corpus() {
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in PROPERTIES.iter().map(|property| property.name).chain(["replies"]) {
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name} is no target");
        let target = std::fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("check_{name}(")), "{name} checks something else");
        assert!(!corpus(name).is_empty());
    }
}
