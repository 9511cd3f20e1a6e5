use std::path::Path;

use buildbook_progress::{Phase, read, write};

use crate::at;

const RUN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/cache/runs/2026-11-20-034620");

#[test]
fn the_file_of_the_original_is_read_to_its_values() {
    let progress = read(Path::new(RUN)).unwrap().unwrap();
    assert_eq!(progress.run_id.as_str(), "2026-11-20-034620");
    assert_eq!(progress.start_time, "2026-11-20T03:46:20");
    assert_eq!(progress.phase, Phase::Building);
    assert_eq!(progress.targets.len(), 9);
    assert_eq!(progress.targets[3], "dune-kit.3.1.4~beta2+x");
    assert_eq!((progress.solutions_found, progress.solutions_failed), (8, 1));
    assert_eq!((progress.build_completed, progress.build_total), (2, 9));
    assert_eq!((progress.doc_completed, progress.doc_total), (1, 9));
    assert_eq!((progress.build_failed, progress.heartbeat, progress.sequence), (None, None, 0));
    assert_eq!(progress.age(at("2026-11-20T04:00:00Z")), None, "the original does not say how old it is");
}

/// The keys of a pretty-printed object in the order of the text.
fn keys(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("  \"")?.split_once("\":")).map(|(key, _)| key).collect()
}

#[test]
fn our_file_has_the_keys_of_the_original_in_its_order_and_then_our_own() {
    let original = std::fs::read_to_string(Path::new(RUN).join("progress.json")).unwrap();
    let mut progress = read(Path::new(RUN)).unwrap().unwrap().set_build_failed(1);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &mut progress, at("2026-11-20T03:50:00Z")).unwrap();
    let ours = std::fs::read_to_string(folder.path().join("progress.json")).unwrap();

    let (original_keys, our_keys) = (keys(&original), keys(&ours));
    assert_eq!(original_keys.len(), 10);
    assert_eq!(our_keys[..10], original_keys);
    assert_eq!(our_keys[10..], ["build_failed", "heartbeat", "sequence"]);
    assert!(ours.contains("\"heartbeat\": \"2026-11-20T03:50:00Z\""), "{ours}");
    assert!(!ours.ends_with('\n'), "the original ends its file without a line feed");

    let (mut ours, original): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(&ours).unwrap(), serde_json::from_str(&original).unwrap());
    let map = ours.as_object_mut().unwrap();
    for added in ["build_failed", "heartbeat", "sequence"] {
        map.remove(added).unwrap();
    }
    assert_eq!(ours, original);
}
