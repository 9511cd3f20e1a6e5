//! Making the cache of `run --memo` smaller.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::book::{Ended, command};
use crate::farm::{Farm, files};

/// A target for each letter, which makes a large file of its own.
fn targets(farm: &Farm, letters: &str) -> Value {
    let target = |letter: char| {
        let make = farm
            .script(letter, &format!("head -c 100000 /dev/zero | tr '\\0' {letter} > out; echo {letter}"));
        json!({"package": format!("{letter}.1"), "outputs": ["out"], "command": make})
    };
    letters.chars().map(target).collect()
}

fn trim(farm: &Farm, words: &[&str]) -> Ended {
    let mut command = command(&farm.book.path("no book"));
    Ended::from(command.args(["memo", "trim"]).arg(farm.book.path("cache")).args(words).output().unwrap())
}

/// What is in the cache now was used so long ago, and not since.
fn age(cache: &Path, hours: u64) {
    let used = SystemTime::now() - Duration::from_secs(hours * 3_600);
    for path in files(&cache.join("entries")).into_iter().chain(files(&cache.join("objects"))) {
        // Objects are read-only, and their owner may set their times all the same.
        std::fs::File::open(path).unwrap().set_modified(used).unwrap();
    }
}

#[test]
fn a_dry_run_says_what_a_trim_then_does() {
    let farm = Farm::new();
    let cache = farm.book.path("cache");
    farm.via("1", &targets(&farm, "a"));
    age(&cache, 200);
    farm.via("2", &targets(&farm, "bc"));
    let before = files(&cache);
    let plan = trim(&farm, &["--max-size", "220k", "--dry-run", "--json"]).json();
    assert_eq!(files(&cache), before, "a dry run changes nothing");
    let items = plan["items"].as_array().unwrap();
    let goes: Vec<&Value> = items.iter().filter(|item| item["decision"] == "remove").collect();
    assert_eq!((items.len(), goes.len()), (18, 6), "the file, the log and the answer of a: {plan}");
    assert!(goes.iter().all(|item| item["reason"] == "over_limit"), "{plan}");
    assert!(items.iter().any(|item| item["reason"] == "recent"), "{plan}");
    let text = trim(&farm, &["--max-size", "220k", "--dry-run"]).stdout;
    assert!(text.starts_with("entries: 3 of 9 would go\nobjects: 3 of 9 would go\n"), "{text}");

    let done = trim(&farm, &["--max-size", "220k", "--json"]);
    assert_eq!(done.status, 0, "{}", done.stderr);
    let done = done.json();
    assert_eq!(
        (&done["removed"], &done["used_since"], &done["problems"]),
        (&json!(6), &json!(0), &json!([]))
    );
    assert_eq!((&done["bytes"], &done["bytes_freed"]), (&plan["bytes"], &plan["bytes_to_free"]));
    for item in goes {
        assert!(!Path::new(item["path"].as_str().unwrap()).exists());
    }
    let via = farm.via("3", &targets(&farm, "abc"));
    assert_eq!((via["a.1"].as_str(), via["b.1"].as_str(), via["c.1"].as_str()), ("built", "memo", "memo"));
    let ran = farm.ran();
    assert_eq!((ran.matches('a').count(), ran.len()), (2, 4), "{ran}");

    let small = trim(&farm, &["--max-size", "1k"]).stdout;
    assert!(small.contains("0 files removed"), "{small}");
    assert!(small.contains("more than 1.0 kB stay: they were used in the last 24 hours"), "{small}");
    let none = trim(&farm, &["--max-size", "0", "--min-age-hours", "0"]).stdout;
    assert!(none.contains("18 files removed") && !none.contains("stay"), "{none}");
    assert_eq!(farm.via("4", &targets(&farm, "abc"))["b.1"], "built");
}

#[test]
fn a_trim_that_cannot_read_an_entry_keeps_what_that_may_need_and_says_no_more_than_it_knows() {
    let farm = Farm::new();
    let cache = farm.book.path("cache");
    farm.via("1", &targets(&farm, "a"));
    for entry in files(&cache.join("entries")) {
        // Longer than any entry.
        std::fs::File::options().write(true).open(entry).unwrap().set_len(1 << 30).unwrap();
    }
    age(&cache, 200);
    let plan = trim(&farm, &["--max-size", "1k", "--dry-run", "--json"]).json();
    let items = plan["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["reason"] == "maybe_needed") && items.len() == 3, "{plan}");
    let before = files(&cache.join("objects"));
    let done = trim(&farm, &["--max-size", "1k"]);
    assert!(done.stdout.ends_with("more than 1.0 kB stay\n"), "{}", done.stdout);
    assert!(done.status != 0 && done.stderr.contains("entries/"), "{}", done.stderr);
    assert_eq!(files(&cache.join("objects")), before);
}

#[test]
fn what_cannot_be_meant_is_an_error_and_removes_nothing() {
    let farm = Farm::new();
    trim(&farm, &["--max-size", "1G"]).assert_error(2, "there is no cache at");
    farm.write("cache", "");
    trim(&farm, &["--max-size", "1G"]).assert_error(2, "is not a folder");
    std::fs::remove_file(farm.book.path("cache")).unwrap();
    std::fs::create_dir(farm.book.path("cache")).unwrap();
    assert_eq!(trim(&farm, &["--max-size", "1G"]).status, 0, "a cache that was not used yet");
    farm.write("cache/photo", "");
    trim(&farm, &["--max-size", "1G"]).assert_error(2, "there is no cache at");
    std::fs::remove_file(farm.book.path("cache/photo")).unwrap();
    farm.via("1", &targets(&farm, "a"));
    age(&farm.book.path("cache"), 200);
    let before = files(&farm.book.path("cache"));
    for words in [&["--max-size", "10 apples"][..], &["--max-size", "-1"], &[]] {
        let ended = trim(&farm, words);
        assert_eq!(ended.status, 2, "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("--max-size"), "{}", ended.stderr);
    }
    assert_eq!(files(&farm.book.path("cache")), before);
}

#[test]
fn runs_and_trims_share_a_cache_at_the_same_time() {
    let farm = Farm::new();
    let letters = "abcdefgh";
    let targets = targets(&farm, letters);
    // A trim may come before the first run has made it.
    std::fs::create_dir(farm.book.path("cache")).unwrap();
    for round in 0..3 {
        let roots = [format!("{round} 1"), format!("{round} 2")];
        let running = roots.each_ref().map(|root| {
            let mut command = farm.command(root, &targets);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        });
        for mut run in running {
            while run.try_wait().unwrap().is_none() {
                let ended = trim(&farm, &["--max-size", "0", "--min-age-hours", "0"]);
                assert_eq!(ended.status, 0, "{}", ended.stderr);
            }
            let ended = Ended::from(run.wait_with_output().unwrap());
            assert_eq!(ended.status, 0, "{}", ended.stderr);
        }
        for root in &roots {
            let found = farm.layers(root);
            let outs: String = found
                .iter()
                .filter(|(path, _)| path.ends_with("fs/out"))
                .map(|(_, (_, text))| &text[..1])
                .collect();
            let mut outs: Vec<char> = outs.chars().collect();
            outs.sort_unstable();
            assert_eq!(outs.into_iter().collect::<String>(), letters, "{root}");
        }
    }
}
