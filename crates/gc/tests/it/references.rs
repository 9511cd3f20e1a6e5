use std::fs;
use std::os::unix::fs::symlink;

use buildbook_atomic_swap::Swap;
use buildbook_gc::{Error, collect_referenced_universes, gc_universes};

use crate::farm::{Farm, now, policy, references};

const ONE: &str = "11111111111111111111111111111111";
const TWO: &str = "22222222222222222222222222222222";
const THREE: &str = "33333333333333333333333333333333";

fn collect(farm: &Farm) -> Vec<String> {
    collect_referenced_universes(&farm.html()).unwrap().iter().map(ToString::to_string).collect()
}

/// A farm with a good package, and a universe that something else may need.
fn farm() -> Farm {
    let farm = Farm::new();
    farm.publish("anvil.1.2.0", &references(&[ONE]));
    farm.universe(ONE, 60);
    farm.universe(TWO, 60);
    farm
}

/// Sees that no universe goes, and why.
fn nothing_goes(farm: &Farm) -> Error {
    let refused = gc_universes(&farm.html(), &policy(), now()).unwrap_err();
    for universe in [ONE, TWO] {
        assert!(farm.html().universes().join(universe).join("anvil/1.2.0/index.html").exists(), "{refused}");
    }
    assert!(!farm.html().path().join("gc.lock").exists());
    refused
}

#[test]
fn references_are_sorted_and_named_once() {
    let farm = Farm::new();
    assert!(collect(&farm).is_empty(), "nothing was ever published");
    farm.publish("basalt.0.9.1", &references(&[TWO, ONE]));
    farm.publish("anvil.1.2.0", &references(&[ONE, TWO, ONE]));
    farm.publish("anvil.1.3.0", r#"{"universes":[],"later":"versions may say more"}"#);
    fs::write(farm.html().blessed().join("index.html"), "").unwrap();
    fs::write(farm.html().blessed().join("anvil/index.html"), "").unwrap();
    fs::create_dir(farm.html().blessed().join("empty-package")).unwrap();
    assert_eq!(collect(&farm), [ONE, TWO]);
}

#[test]
fn links_are_followed_to_references() {
    let farm = Farm::new();
    farm.publish("anvil.1.2.0", &references(&[ONE]));
    let elsewhere = farm.root().join("elsewhere/2.0");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::write(elsewhere.join("universes.json"), references(&[TWO])).unwrap();
    symlink("1.2.0", farm.html().blessed().join("anvil/latest")).unwrap();
    symlink(farm.root().join("elsewhere"), farm.html().blessed().join("moved")).unwrap();
    symlink("1.1.0", farm.html().blessed().join("anvil/oldest")).unwrap();
    assert_eq!(collect(&farm), [ONE, TWO]);
}

#[test]
fn a_link_that_leads_nowhere_stops_everything() {
    for (link, to) in [("anvil/gone", "../../nowhere"), ("gone", "/nowhere"), ("gone", "a/../nowhere")] {
        let farm = farm();
        symlink(to, farm.html().blessed().join(link)).unwrap();
        let refused = nothing_goes(&farm);
        assert!(matches!(refused, Error::UnreadableReferences { path, .. } if path.ends_with(link)));
    }
}

#[test]
fn references_that_make_no_sense_stop_everything() {
    for text in [
        "",
        "{ not json",
        "[]",
        "[[]]",
        "{}",
        r#"{"universes":null}"#,
        r#"{"universes":"22222222222222222222222222222222"}"#,
        r#"{"universes":[2]}"#,
        r#"{"universes":["2222"]}"#,
        r#"{"universes":["../../../p"]}"#,
        r#"{"universes":["22222222222222222222222222222222"]"#,
        r#"{"universes":[],"universes":["22222222222222222222222222222222"]}"#,
    ] {
        let farm = farm();
        let package = farm.publish("basalt.0.9.1", text);
        let refused = nothing_goes(&farm);
        assert!(
            matches!(&refused, Error::MalformedReferences { path, .. } if *path == package.join("universes.json")),
            "{text}: {refused}"
        );
        assert!(refused.to_string().contains("basalt/0.9.1/universes.json"), "{refused}");
    }
}

#[test]
fn references_that_cannot_be_read_stop_everything() {
    let makes: [fn(&std::path::Path); 3] = [
        |path| fs::create_dir(path).unwrap(),
        |path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap(),
        |path| symlink("../1.2.0/universes.json", path).unwrap(),
    ];
    for make in makes {
        let farm = farm();
        let file = farm.publish("basalt.0.9.1", "").join("universes.json");
        fs::remove_file(&file).unwrap();
        make(&file);
        let refused = nothing_goes(&farm);
        assert!(matches!(&refused, Error::UnreadableReferences { path, .. } if *path == file), "{refused}");
    }
}

#[test]
fn a_package_that_is_published_without_references_stops_everything() {
    let farm = farm();
    let file = farm.publish("basalt.0.9.1", "").join("universes.json");
    fs::remove_file(&file).unwrap();
    let refused = nothing_goes(&farm);
    assert!(matches!(&refused, Error::MissingReferences { path } if *path == file), "{refused}");
    fs::write(&file, references(&[])).unwrap();
    assert_eq!(gc_universes(&farm.html(), &policy(), now()).unwrap().removed.len(), 1);
}

#[test]
fn a_publication_that_has_not_ended_stops_everything() {
    for name in [
        "anvil/1.3.0.new",
        "anvil/1.2.0.old",
        "anvil/.1.3.0.new-bb0123456789",
        "anvil/.1.3.0.old-bb0123456789",
        ".cobalt.old-bb0123456789",
        "anvil/.1.3.0.tmp-4711-0a1b2c",
        "anvil/.1.3.0.old-4711-0a1b2c",
    ] {
        let farm = farm();
        let unfinished = farm.html().blessed().join(name);
        fs::create_dir_all(&unfinished).unwrap();
        let refused = nothing_goes(&farm);
        assert!(
            matches!(&refused, Error::UnfinishedPublication { path } if *path == unfinished),
            "{name}: {refused}"
        );
    }
    let farm = farm();
    let swap = Swap::prepare(&farm.html().blessed().join("cobalt/1.0")).unwrap();
    fs::write(swap.staging().join("universes.json"), references(&[TWO])).unwrap();
    assert!(matches!(nothing_goes(&farm), Error::UnfinishedPublication { .. }));
    swap.commit(buildbook_atomic_swap::Durability::Cached).unwrap();
    assert_eq!(collect(&farm), [ONE, TWO]);
}

#[test]
fn what_is_on_its_way_out_or_hidden_refers_to_nothing() {
    let farm = farm();
    let package = farm.html().blessed().join("anvil");
    fs::create_dir(package.join(".1.0.0.trash-bb0123456789")).unwrap();
    fs::create_dir(package.join(".well-known")).unwrap();
    fs::write(package.join(".index.html.tmp-bb0123456789"), "").unwrap();
    farm.publish("site.old.1", &references(&[THREE]));
    assert_eq!(collect(&farm), [ONE, THREE]);
}

#[test]
fn a_site_without_packages_is_not_taken_for_one_that_needs_no_universe() {
    let farm = farm();
    fs::remove_dir_all(farm.html().blessed()).unwrap();
    let refused = nothing_goes(&farm);
    assert!(matches!(refused, Error::NothingPublished { .. }), "{refused}");
    // So does a mount point without its disk.
    for folder in [farm.html().blessed(), farm.html().blessed().join("anvil")] {
        fs::create_dir(folder).unwrap();
        assert!(matches!(nothing_goes(&farm), Error::NothingPublished { .. }));
    }
}
