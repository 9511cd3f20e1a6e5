//! The rows of `gc`.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use buildbook::gc::{GcResult, Policy, Roots, gc_layers, gc_universes, touch_layer};
use buildbook::layout::{HtmlTree, LayerName};

use super::prepared::{NOW, at, book, platform, text, tree};
use super::procedure::{Procedure, Recovered, State, World};

/// The second is built upon the first, and needed; the fourth is built upon the third.
const LAYERS: [(&str, &str); 4] = [
    ("build-00000000000a", ""),
    ("build-00000000000b", "build-00000000000a"),
    ("build-00000000000c", "build-00000000000a"),
    ("build-00000000000d", "build-00000000000c"),
];
const NEEDED: [&str; 2] = ["build-00000000000a", "build-00000000000b"];
const UNIVERSES: [&str; 3] = [
    "11111111111111111111111111111111",
    "22222222222222222222222222222222",
    "33333333333333333333333333333333",
];

pub(super) fn procedures() -> Vec<Procedure> {
    let layers = Procedure {
        name: "collect layers",
        covers: &[
            "gc/sweep.rs with_gc_lock",
            "gc/sweep.rs sync_names",
            "gc/sweep.rs delete",
            "gc/sweep.rs take",
            "gc/layers.rs lock_layer",
        ],
        durable: true,
        touches: &["p/build-00000000000c", "p/build-00000000000d"],
        // The file of a lock whose holder is gone says nothing and hinders nobody.
        scratch: &["p/gc.lock", "p/build-00000000000c.lock", "p/build-00000000000d.lock"],
        part: Some("some of what is not needed is gone, what was built upon something before that"),
        prepare: farm,
        act: |world| done(gc_layers(&platform(world), &roots(), &policy(), at(NOW))?),
        look: look_at_layers,
        recover: |world| again(&gc_layers(&platform(world), &roots(), &nothing_more(), at(NOW))?),
        ..Procedure::PLAIN
    };
    vec![
        Procedure {
            name: "collect universes",
            covers: &["gc/sweep.rs with_gc_lock"],
            touches: &["html/u"],
            scratch: &["html/gc.lock"],
            part: Some("some of what is not needed is gone"),
            act: |world| done(gc_universes(&html(world), &policy(), at(NOW))?),
            look: look_at_universes,
            recover: |world| again(&gc_universes(&html(world), &nothing_more(), at(NOW))?),
            ..layers.clone()
        },
        Procedure {
            name: "touch a layer",
            covers: &["gc/touch.rs touch_layer", "gc/touch.rs stamp"],
            durable: false,
            touches: &["p/build-00000000000c"],
            scratch: &["p/build-00000000000c.lock"],
            part: None,
            act: |world| {
                let layer: LayerName = LAYERS[2].0.parse()?;
                ensure!(touch_layer(&platform(world), &layer, at(NOW))?, "the layer is gone");
                Ok(())
            },
            look: |world| {
                ensure!(look_at_layers(world)? == State::Old, "a layer is gone");
                Ok(if world.at("p/build-00000000000c/last_used").exists() { State::New } else { State::Old })
            },
            ..layers.clone()
        },
        layers,
    ]
}

fn farm(world: &mut World) -> Result<()> {
    let mut tree = tree(world, "p")?;
    for (layer, parent) in LAYERS {
        tree.file(format!("p/{layer}/fs/lib/made"), layer)?;
        let parents = if parent.is_empty() { String::new() } else { format!("\"{parent}\"") };
        tree.file(
            format!("p/{layer}/layer.json"),
            format!("{{\"exit_status\": 0, \"parent_hashes\": [{parents}]}}"),
        )?;
    }
    for universe in UNIVERSES {
        tree.file(format!("html/u/{universe}/anvil/1.2.0/index.html"), universe)?;
    }
    tree.file("html/p/anvil/1.2.0/universes.json", format!("{{\"universes\": [{:?}]}}", UNIVERSES[0]))?;
    let long_ago = at("2026-01-01T00:00:00Z");
    tree.changed_at("p", long_ago);
    tree.finish()
}

fn html(world: &World) -> HtmlTree {
    book(world).html()
}

fn roots() -> Roots {
    [NEEDED[1]].into_iter().collect()
}

fn policy() -> Policy {
    Policy { min_age: Duration::from_secs(7 * 86_400), ..Policy::default() }
}

/// Whether a collection has done all there was to do.
fn done(result: GcResult) -> Result<()> {
    ensure!(result.problems.is_empty(), "{:?}", result.problems);
    ensure!(result.skipped.is_empty(), "{:?}", result.skipped);
    Ok(())
}

/// Lets nothing go but what a collection that was cut off has left.
fn nothing_more() -> Policy {
    Policy { min_age: Duration::MAX, ..Policy::default() }
}

fn again(result: &GcResult) -> Result<Recovered> {
    let clean = result.removed.is_empty();
    let problems = result.problems.iter().map(ToString::to_string).collect();
    Ok(Recovered { clean, problems })
}

fn look_at_layers(world: &World) -> Result<State> {
    let mut there = Vec::new();
    for (layer, parent) in LAYERS {
        if world.at(&format!("p/{layer}")).exists() {
            let made = text(&world.at(&format!("p/{layer}/fs/lib/made")))?;
            let json = text(&world.at(&format!("p/{layer}/layer.json")))?;
            ensure!(made.as_deref() == Some(layer) && json.is_some(), "half of {layer} is left");
            ensure!(parent.is_empty() || there.contains(&parent), "{layer} has lost what it was built upon");
            there.push(layer);
        }
    }
    state(&there, &NEEDED, LAYERS.len())
}

fn look_at_universes(world: &World) -> Result<State> {
    ensure!(look_at_layers(world)? == State::Old, "a layer is gone");
    let mut there = Vec::new();
    for universe in UNIVERSES {
        if world.at(&format!("html/u/{universe}")).exists() {
            let page = text(&world.at(&format!("html/u/{universe}/anvil/1.2.0/index.html")))?;
            ensure!(page.as_deref() == Some(universe), "half of {universe} is left");
            there.push(universe);
        }
    }
    state(&there, &UNIVERSES[..1], UNIVERSES.len())
}

fn state(there: &[&str], needed: &[&str], all: usize) -> Result<State> {
    if let Some(lost) = needed.iter().find(|needed| !there.contains(needed)) {
        bail!("{lost} is needed and gone");
    }
    Ok(match there.len() {
        count if count == needed.len() => State::New,
        count if count == all => State::Old,
        _ => State::Part,
    })
}
