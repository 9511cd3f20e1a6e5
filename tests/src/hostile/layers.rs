//! Layers that are strange, shared, or not there.

use anyhow::Result;
use buildbook_layout::Timestamp;

use super::sound::{self, DOCS, LAYER, PACKAGES, RUN};
use super::{ALL, Case, Part};
use crate::Tree;

const PLATFORM: &str = "debian-12-x86_64";

pub(super) const CASES: &[Case] = &[
    Case {
        name: "layer_without_metadata",
        about: "a layer that was cut off before its metadata",
        answer: "gc treats it as in progress while its lock is held, by its age otherwise",
        entries: ALL,
        problems: &[],
        write: without_metadata,
    },
    Case {
        name: "layer_unreadable_metadata",
        about: "metadata that is not JSON, not an object, or a folder",
        answer: "it is reported and the layer is kept",
        entries: ALL,
        problems: &[Part::Layers],
        write: unreadable_metadata,
    },
    Case {
        name: "layers_of_both_schemes",
        about: "layers named by the first and the second version, old and unneeded",
        answer: "gc finds all of them",
        entries: ALL,
        problems: &[],
        write: both_schemes,
    },
    Case {
        name: "hard_linked_layers",
        about: "files that two layers share",
        answer: "they are counted once; removing one layer leaves the other whole",
        entries: ALL,
        problems: &[],
        write: hard_linked,
    },
    Case {
        name: "layer_is_a_link",
        about: "a link with the name of a layer to a folder elsewhere",
        answer: "nothing is removed through the link",
        entries: ALL,
        problems: &[],
        write: link,
    },
    Case {
        name: "dangling_links",
        about: "links to nowhere in every folder that is listed",
        answer: "everything else is read; gc works as without them",
        entries: ALL,
        problems: &[],
        write: dangling_links,
    },
];

fn without_metadata(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.file(format!("{PLATFORM}/build-cccccccccccc/fs/lib/META"), "")?;
    tree.folder(format!("{PLATFORM}/dddddddddddd"))
}

fn unreadable_metadata(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.file(format!("{PLATFORM}/build-cccccccccccc/layer.json"), "{ not json")?;
    tree.file(format!("{PLATFORM}/build-dddddddddddd/layer.json"), "[]")?;
    tree.folder(format!("{PLATFORM}/build-eeeeeeeeeeee/layer.json"))
}

fn both_schemes(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    let long_ago = Timestamp::parse("2025-01-01T00:00:00Z")?;
    for name in ["build-cccccccccccc", "doc-cccccccccccc", "dddddddddddd", "build-eeeeeeeeeeee"] {
        let folder = format!("{PLATFORM}/{name}");
        sound::layer(tree, &folder, "copper.1")?;
        for path in [folder.clone(), format!("{folder}/layer.json"), format!("{folder}/layer.log")] {
            tree.changed_at(path, long_ago);
        }
    }
    // The metadata of the second version, with a parent that must outlive its child.
    let metadata = r#"{"exit_status":0,"parent_hashes":["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],"uid":1000,"gid":1000,"base_hash":"0123456789abcdef0123456789abcdef","disk_usage":4096,"timing":{"total":14.0},"created_at":"2025-01-01T00:00:00Z"}"#;
    tree.file(format!("{PLATFORM}/dddddddddddd/layer.json"), metadata)?;
    tree.file(format!("{PLATFORM}/dddddddddddd.lock"), "")
}

fn hard_linked(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    let other = format!("{PLATFORM}/build-cccccccccccc");
    sound::layer(tree, &other, "copper.1")?;
    tree.file(format!("{LAYER}/fs/lib/shared.a"), vec![b'a'; 64 * 1024])?;
    tree.hard_link(format!("{other}/fs/lib/shared.a"), format!("{LAYER}/fs/lib/shared.a"))
}

fn link(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.file("elsewhere/precious", "do not remove\n")?;
    tree.link(format!("{PLATFORM}/build-cccccccccccc"), "../elsewhere")?;
    tree.link(format!("{LAYER}/fs/out"), "../../../elsewhere")
}

fn dangling_links(tree: &mut Tree) -> Result<()> {
    both_schemes(tree)?;
    let folders =
        ["logs/runs", "locks", PLATFORM, PACKAGES, LAYER, "html/p", "html/p/anvil", "html/u", RUN, DOCS];
    for folder in folders {
        tree.link(format!("{folder}/dangling"), "nowhere")?;
        tree.link(format!("{folder}/loop"), "loop")?;
    }
    tree.link(format!("{PLATFORM}/build-ffffffffffff"), "/nonexistent/layer")
}
