//! The table of rules tests itself.

use std::collections::BTreeSet;

use buildbook_batch_util::{RULES_VERSION, category, classify_build_log, rules};

#[test]
fn every_rule_recognises_its_example_and_not_its_counter_example() {
    for rule in rules() {
        let met = |log: &str| classify_build_log(log).causes.iter().any(|cause| cause.rule == rule.id);
        assert!(met(rule.example), "{} misses {:?}", rule.id, rule.example);
        assert!(!met(rule.counter_example), "{} takes {:?}", rule.id, rule.counter_example);
    }
}

#[test]
fn every_example_gets_the_category_of_its_rule() {
    for rule in rules() {
        let verdict = classify_build_log(rule.example);
        assert_eq!(verdict.category, rule.category, "{}: {verdict:?}", rule.id);
    }
}

#[test]
fn counter_examples_contain_something_of_what_they_counter() {
    for rule in rules() {
        let words = |text: &str| -> BTreeSet<String> {
            text.split(|c: char| !c.is_alphanumeric())
                .map(str::to_lowercase)
                .filter(|word| word.len() > 1)
                .collect()
        };
        let shared = words(rule.example).intersection(&words(rule.counter_example)).count();
        assert!(shared > 0, "{}: the counter-example has nothing in common with the example", rule.id);
    }
}

#[test]
fn ids_are_unique_and_categories_known() {
    let known = [
        category::TRANSIENT_FAILURE,
        category::DEPEXT_UNAVAILABLE,
        category::FETCH_FAILURE,
        category::SOLVER_FAILURE,
        category::BUILD_FAILURE,
    ];
    let mut ids = BTreeSet::new();
    for rule in rules() {
        assert!(ids.insert(rule.id), "{} twice", rule.id);
        assert!(!rule.id.starts_with("exit-"), "{}: kept for verdicts of the exit", rule.id);
        assert!(known.contains(&rule.category), "{}", rule.category);
        assert!(!rule.patterns.is_empty());
    }
}

#[test]
fn patterns_stay_within_what_the_scan_promises() {
    let words = rules().flat_map(|rule| {
        rule.patterns
            .iter()
            .chain(rule.confirm.map_or(&[][..], |confirm| confirm.patterns))
            .map(move |words| (rule.id, words))
    });
    for (id, words) in words {
        assert!(
            (5..200).contains(&words.len()),
            "{id}: {words:?} is too short to be told or too long to overlap"
        );
        assert!(!words.contains(['\n', '\r', '\x1b']), "{id}: {words:?} crosses lines");
    }
}

/// The table's fingerprint for each version. A change of a rule without a new version fails here:
/// stored verdicts would claim to be reached by rules that no longer exist.
#[test]
fn the_version_moves_with_the_rules() {
    const FINGERPRINTS: [(u32, u64); 3] = [
        (1, 4414711689235728192),
        (2, 14543325255856705970),
        // The same rules, also found where an escape cuts their words.
        (3, 14543325255856705970),
    ];
    let table = serde_json::to_string(&rules().collect::<Vec<_>>()).unwrap();
    let fnv = table.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(FINGERPRINTS.last(), Some(&(RULES_VERSION, fnv)), "raise RULES_VERSION and add its line");
}
