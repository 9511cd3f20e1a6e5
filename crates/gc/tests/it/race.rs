//! Builders that pick up layers while a collection is at work.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use buildbook_atomic_swap::{Durability, Swap};
use buildbook_gc::{Roots, execute_layers, gc_layers, plan_layers, survey_layers, touch_layer};
use buildbook_layout::{LayerName, Timestamp};

use crate::farm::{Farm, policy};

#[test]
fn a_layer_that_a_builder_was_promised_is_never_taken() {
    let (promised, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for round in 0..4 {
        let farm = Farm::new();
        let layers: Vec<LayerName> = (0..40).map(|n| format!("build-{n:012x}").parse().unwrap()).collect();
        for (n, layer) in layers.iter().enumerate() {
            // Every other layer is the child of the one before.
            let parent = n.checked_sub(1).filter(|_| n % 2 == 1).map(|n| layers[n].to_string());
            farm.layer(layer.as_str(), &parent.as_deref().into_iter().collect::<Vec<_>>(), 60);
        }
        let tree = farm.tree();
        let over = AtomicBool::new(false);
        let kept: Mutex<BTreeSet<LayerName>> = Mutex::default();
        std::thread::scope(|scope| {
            for builder in 0..3 {
                let (tree, layers, over, kept) = (&tree, &layers, &over, &kept);
                let (promised, refused) = (&promised, &refused);
                scope.spawn(move || {
                    // Builders and the collection begin at different ends, and meet.
                    for turn in 0.. {
                        let layer =
                            &layers[layers.len() - 1 - (turn * 7 + builder * 13 + round) % layers.len()];
                        let whole = || tree.layer(layer).files().join("lib/made").exists();
                        if touch_layer(tree, layer, Timestamp::now()).unwrap() {
                            assert!(whole(), "{layer} was promised and is not whole");
                            kept.lock().unwrap().insert(layer.clone());
                            promised.fetch_add(1, Ordering::Relaxed);
                        } else {
                            assert!(!tree.layer(layer).path().exists());
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                        if over.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                });
            }
            let plan = plan_layers(survey_layers(&tree).unwrap(), &Roots::new(), &policy(), Timestamp::now());
            let result = execute_layers(&plan).unwrap();
            assert!(result.problems.is_empty(), "{:?}", result.problems);
            let second = gc_layers(&tree, &Roots::new(), &policy(), Timestamp::now()).unwrap();
            assert!(second.problems.is_empty(), "{:?}", second.problems);
            over.store(true, Ordering::Relaxed);
        });
        for layer in kept.into_inner().unwrap() {
            assert!(tree.layer(&layer).files().join("lib/made").exists(), "{layer} was promised and taken");
        }
        assert!(farm.names().iter().all(|name| !name.ends_with(".lock") && !name.starts_with('.')));
    }
    assert!(promised.into_inner() > 0);
}

#[test]
fn a_layer_that_is_published_anew_meanwhile_is_never_taken() {
    for _ in 0..4 {
        let farm = Farm::new();
        let names: Vec<String> = (0..40).map(|n| format!("build-{n:012x}")).collect();
        for name in &names {
            farm.layer(name, &[], 60);
        }
        let plan = farm.plan(&[], &policy());
        std::thread::scope(|scope| {
            // The collection begins at the front, and the publisher at the back.
            scope.spawn(|| {
                for name in names.iter().rev() {
                    let swap = Swap::prepare(&farm.at(name)).unwrap();
                    std::fs::write(swap.staging().join("anew"), "").unwrap();
                    swap.commit(Durability::Cached).unwrap();
                }
            });
            let result = execute_layers(&plan).unwrap();
            assert!(result.problems.is_empty(), "{:?}", result.problems);
        });
        for name in &names {
            assert!(farm.at(name).join("anew").exists(), "{name} was published and taken");
        }
    }
}

#[test]
fn two_collections_at_once_do_no_harm() {
    let farm = Farm::new();
    for n in 0..20 {
        farm.layer(&format!("build-{n:012x}"), &[], 60);
    }
    let removed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| match gc_layers(&farm.tree(), &Roots::new(), &policy(), crate::farm::now()) {
                Ok(result) => {
                    assert!(result.problems.is_empty(), "{:?}", result.problems);
                    removed.fetch_add(result.removed.len(), Ordering::Relaxed);
                }
                Err(error) => assert!(matches!(error, buildbook_gc::Error::Busy { .. }), "{error}"),
            });
        }
    });
    assert_eq!(removed.into_inner(), 20, "each removal is counted once");
    assert_eq!(farm.names(), [""; 0]);
}
