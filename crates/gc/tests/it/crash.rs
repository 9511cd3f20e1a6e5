//! Stops and fails every operation of a collection, and collects again.

use buildbook_fsio::faults::{Call, Fault, count, inject};
use buildbook_fsio::op::Operation;
use buildbook_gc::{Policy, Roots, execute_layers, gc_all, touch_layer};

use crate::farm::{Farm, names, now, policy, references};

const FAULTS: [Fault; 4] =
    [Fault::Stop, Fault::StopTorn, Fault::Fail(nix::libc::EIO), Fault::Fail(nix::libc::EACCES)];

const NEEDED: [&str; 2] = ["build-00000000000a", "build-00000000000b"];
const UNNEEDED: [&str; 3] = ["build-00000000000c", "00000000000d", "build-00000000000e"];

fn farm() -> Farm {
    let farm = Farm::new();
    farm.layer("build-00000000000a", &[], 60);
    farm.layer("build-00000000000b", &["build-00000000000a"], 60);
    farm.layer("build-00000000000c", &["build-00000000000a"], 60);
    farm.layer("00000000000d", &["build-00000000000c"], 60);
    farm.unfinished_layer("build-00000000000e", 60);
    farm.layer(".build-00000000000f.trash-bb0123456789", &[], 60);
    for digit in ["1", "2", "3"] {
        farm.universe(&digit.repeat(32), 60);
    }
    farm.publish("anvil.1.2.0", &references(&[&"1".repeat(32)]));
    farm
}

/// Whether both phases claim to have done all there was to do.
fn collect(farm: &Farm, policy: &Policy) -> bool {
    let roots: Roots = [NEEDED[1]].into_iter().collect();
    let (layers, universes) = gc_all(&farm.tree(), &farm.html(), &roots, policy, now());
    [layers, universes]
        .into_iter()
        .all(|result| result.is_ok_and(|result| result.problems.is_empty() && result.skipped.is_empty()))
}

fn whole(farm: &Farm, layer: &str) -> bool {
    std::fs::read_to_string(farm.at(layer).join("fs/lib/made")).is_ok_and(|text| text == layer)
}

#[test]
fn a_collection_that_is_cut_off_leaves_nothing_half_and_is_resumed() {
    let undisturbed = farm();
    let (done, calls) = count(|| collect(&undisturbed, &policy()));
    assert!(done);
    assert!(calls.len() >= 20, "{calls:?}");
    for (at, Call { operation, path, .. }) in calls.iter().enumerate() {
        for fault in FAULTS {
            let point = format!("{fault:?} at {at}, {operation:?} {}", path.display());
            let farm = farm();
            let done = inject(at, fault, || collect(&farm, &policy()));
            for layer in NEEDED {
                assert!(whole(&farm, layer), "{point}: {layer} was needed");
            }
            for layer in UNNEEDED {
                assert!(whole(&farm, layer) || !farm.at(layer).exists(), "{point}: half of {layer} is left");
            }
            let child_without_parent =
                farm.at("00000000000d").exists() && !farm.at("build-00000000000c").exists();
            assert!(!child_without_parent, "{point}");
            if !matches!(fault, Fault::Fail(_)) {
                assert!(!done, "{point}: it claims to have done all");
            }
            assert!(collect(&farm, &policy()), "{point}: the next collection does the rest");
            let mut left = farm.names();
            // A lock file that could not be removed says nothing and hinders nobody.
            left.retain(|name| !name.ends_with(".lock"));
            assert_eq!(left, NEEDED, "{point}");
            assert_eq!(names(&farm.html().universes()), ["1".repeat(32)], "{point}");
            for layer in NEEDED {
                assert!(whole(&farm, layer), "{point}: {layer} was needed");
            }
        }
    }
}

#[test]
fn names_are_gone_for_good_before_anything_is_deleted() {
    let farm = farm();
    let plan = farm.plan(&[NEEDED[1]], &policy());
    let (result, calls) = count(|| execute_layers(&plan).unwrap());
    assert_eq!(result.removed.len(), 4);
    let of = |wanted: Operation| -> Vec<usize> {
        let numbered = calls.iter().enumerate();
        numbered.filter(|(_, call)| call.operation == wanted).map(|(number, _)| number).collect()
    };
    let (renamed, synced, deleted) =
        (of(Operation::RenameToFreeName), of(Operation::SyncFolder), of(Operation::RemoveTree));
    assert_eq!((renamed.len(), synced.len(), deleted.len()), (3, 1, 4));
    assert!(renamed.iter().max() < synced.first() && synced.first() < deleted.first(), "{calls:?}");
}

#[test]
fn a_touch_that_is_cut_off_hinders_nobody() {
    let layer = "build-00000000000a".parse().unwrap();
    let touch = |farm: &Farm| touch_layer(&farm.tree(), &layer, now());
    let undisturbed = farm();
    let (touched, calls) = count(|| touch(&undisturbed));
    assert!(touched.unwrap());
    for at in 0..calls.len() {
        for fault in FAULTS {
            let farm = farm();
            assert!(
                inject(at, fault, || touch(&farm)).is_err(),
                "{fault:?} at {at}: the builder was not told"
            );
            assert!(touch(&farm).unwrap(), "{fault:?} at {at}");
            assert!(!farm.at("build-00000000000a.lock").exists(), "{fault:?} at {at}");
        }
    }
}
