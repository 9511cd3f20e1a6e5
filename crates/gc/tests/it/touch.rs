use std::os::unix::fs::symlink;
use std::time::Duration;

use buildbook_fsio::Lock;
use buildbook_gc::{Policy, execute_layers, touch_layer};
use buildbook_layout::{LayerName, Timestamp};

use crate::farm::{Farm, age, goes, now, policy, reason};

#[test]
fn a_touched_layer_is_young() {
    let farm = Farm::new();
    let name: LayerName = "build-00000000000a".parse().unwrap();
    farm.layer("build-00000000000a", &[], 30);
    for back in [20_u64, 10] {
        let time = now().minus(Duration::from_secs_f64(back as f64 * 86_400.0 - 0.25));
        assert!(touch_layer(&farm.tree(), &name, time).unwrap());
        age(&farm.at("build-00000000000a"), 30 * 86_400);
        let at = std::fs::metadata(farm.at("build-00000000000a/last_used")).unwrap().modified().unwrap();
        assert!(Timestamp::from_system_time(at).unwrap().since(time) < Duration::from_millis(1));
        assert!(time.since(Timestamp::from_system_time(at).unwrap()) < Duration::from_millis(1));
        let just_older = Policy { min_age: Duration::from_secs(back * 86_400 - 1), ..policy() };
        assert_eq!(goes(&farm.plan(&[], &just_older)).len(), 1);
        let just_younger = Policy { min_age: Duration::from_secs(back * 86_400), ..policy() };
        assert!(reason(&farm.plan(&[], &just_younger), name.as_str()).starts_with("used less than"));
    }
    assert_eq!(farm.names(), ["build-00000000000a"], "no lock file is left");
}

/// Its clock is behind, or it asked for the time long ago. What another builder was promised stays promised.
#[test]
fn a_builder_whose_time_is_earlier_makes_no_layer_older_and_is_noticed() {
    let farm = Farm::new();
    let name: LayerName = "build-00000000000a".parse().unwrap();
    farm.layer("build-00000000000a", &[], 60);
    assert!(touch_layer(&farm.tree(), &name, now()).unwrap());
    age(&farm.at("build-00000000000a"), 60 * 86_400);
    let plan = farm.plan(&[], &Policy { min_age: Duration::ZERO, ..policy() });
    assert_eq!(goes(&plan).len(), 1);
    let earlier = now().minus(Duration::from_secs(30 * 86_400));
    assert!(touch_layer(&farm.tree(), &name, earlier).unwrap());
    assert_eq!(reason(&farm.plan(&[], &policy()), name.as_str()), "used less than 7 days ago");
    let result = execute_layers(&plan).unwrap();
    assert_eq!(result.skipped.len(), 1, "{result:?}");
}

#[test]
fn a_layer_that_is_not_there_is_not_promised_and_nothing_is_made() {
    let farm = Farm::new();
    let name: LayerName = "build-00000000000a".parse().unwrap();
    assert!(!touch_layer(&farm.tree(), &name, now()).unwrap());
    assert_eq!(farm.names(), [""; 0]);
    symlink(farm.root(), farm.at("build-00000000000a")).unwrap();
    assert!(!touch_layer(&farm.tree(), &name, now()).unwrap());
    assert!(!farm.root().join("last_used").exists());
    std::fs::remove_dir_all(farm.tree().path()).unwrap();
    assert!(!touch_layer(&farm.tree(), &name, now()).unwrap());
    assert!(!farm.tree().path().exists());
}

#[test]
fn a_touch_waits_for_whoever_has_the_layer() {
    let farm = Farm::new();
    let name: LayerName = "build-00000000000a".parse().unwrap();
    farm.layer("build-00000000000a", &[], 30);
    let lock = Lock::acquire(&farm.tree().layer_lock(&name)).unwrap();
    std::thread::scope(|scope| {
        let builder = scope.spawn(|| touch_layer(&farm.tree(), &name, now()).unwrap());
        // The holder removes the layer, as a collection does.
        std::fs::rename(farm.at("build-00000000000a"), farm.root().join("trash")).unwrap();
        lock.remove().unwrap();
        assert!(!builder.join().unwrap());
    });
    assert!(!farm.root().join("trash/last_used").exists());
}
