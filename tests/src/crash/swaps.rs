//! The rows of `atomic-swap`.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use buildbook::atomic_swap::{
    Durability, Swap, commit_together, recover, replace_file, replace_symlink, retire,
};
use buildbook::fsio::{FileSystem, op};

use super::prepared::{strangers, text, tree, write};
use super::procedure::{Procedure, Recovered, State, World};

const FILE: [&str; 4] = [
    "atomic-swap/replace.rs replace_file",
    "atomic-swap/replace.rs replace",
    "atomic-swap/replace.rs create",
    "atomic-swap/replace.rs drop",
];
const SITE: [&str; 2] = ["s/site", "s/.site"];

pub(super) fn procedures() -> Vec<Procedure> {
    let base = Procedure {
        durable: true,
        recover: |world| Ok(Recovered::of(&recover(&world.at("s"))?)),
        ..Procedure::PLAIN
    };
    let file = Procedure {
        touches: &["s/file"],
        prepare: |world| tree(world, "s")?.file("s/file", "old"),
        ..base.clone()
    };
    let folder = Procedure {
        touches: &SITE,
        prepare: |world| {
            let tree = tree(world, "s")?;
            tree.file("s/site/index", "old")?;
            tree.file("s/site/sub/page", "old")
        },
        act: |world| publish(&world.at("s/site"), Durability::Synced),
        look: |world| site(&world.at("s/site"), Some("old")),
        ..base.clone()
    };
    vec![
        Procedure {
            name: "replace a file",
            covers: &["atomic-swap/replace.rs sync_name", "atomic-swap/replace.rs write"],
            act: |world| Ok(replace_file(&world.at("s/file"), &LARGE, Durability::Synced)?),
            look: |world| file_is(world, Some(b"old"), &LARGE),
            ..file.clone()
        },
        Procedure {
            name: "make a file",
            covers: &FILE,
            prepare: |world| strangers(world, "s"),
            act: |world| Ok(replace_file(&world.at("s/file"), b"new", Durability::Synced)?),
            look: |world| file_is(world, None, b"new"),
            ..file.clone()
        },
        Procedure {
            name: "replace a file, cached",
            durable: false,
            act: |world| Ok(replace_file(&world.at("s/file"), b"new", Durability::Cached)?),
            look: |world| file_is(world, Some(b"old"), b"new"),
            ..file
        },
        Procedure {
            name: "replace a link",
            covers: &["atomic-swap/replace.rs replace_symlink"],
            touches: &["s/link"],
            prepare: |world| tree(world, "s")?.link("s/link", "old"),
            act: |world| Ok(replace_symlink(Path::new("new"), &world.at("s/link"), Durability::Synced)?),
            look: |world| {
                let target = std::fs::read_link(world.at("s/link"))?;
                old_or_new(&target.display().to_string(), "old", "new")
            },
            ..base.clone()
        },
        Procedure {
            name: "replace a folder",
            covers: &[
                "atomic-swap/swap.rs prepare",
                "atomic-swap/swap.rs exchange",
                "atomic-swap/swap.rs sync_tree",
                "atomic-swap/swap.rs sync_names",
                "atomic-swap/swap.rs lock_commits",
                "atomic-swap/retire.rs discard",
            ],
            ..folder.clone()
        },
        Procedure {
            name: "replace a folder, where names cannot be exchanged",
            covers: &["atomic-swap/swap.rs exchange_in_two_steps", "atomic-swap/retire.rs move_to"],
            plain_renames: true,
            gap: Some("the folder has no name between two renames"),
            ..folder.clone()
        },
        Procedure {
            name: "replace a folder, cached",
            durable: false,
            act: |world| publish(&world.at("s/site"), Durability::Cached),
            ..folder.clone()
        },
        Procedure {
            name: "publish a folder, and make those above it",
            covers: &["atomic-swap/swap.rs move_to_free_target"],
            touches: &["s/a"],
            scratch: &["s/a"],
            prepare: |world| strangers(world, "s"),
            act: |world| publish(&world.at("s/a/b/site"), Durability::Synced),
            look: |world| site(&world.at("s/a/b/site"), None),
            recover: |world| Ok(Recovered::of(&recover(&world.at("s/a/b"))?)),
            ..folder.clone()
        },
        Procedure {
            name: "publish a folder, where a rename cannot ask for a free name",
            plain_renames: true,
            prepare: |world| strangers(world, "s"),
            look: |world| site(&world.at("s/site"), None),
            ..folder.clone()
        },
        Procedure {
            name: "publish two folders together",
            covers: &["atomic-swap/together.rs seal", "atomic-swap/together.rs commit_together"],
            touches: &["s/site", "s/.site", "s/two", "s/.two"],
            act: |world| publish_together(&world.at("s"), &["site", "two"]),
            look: |world| match (site(&world.at("s/site"), Some("old"))?, site(&world.at("s/two"), None)?) {
                (one, other) if one == other => Ok(one),
                _ => Ok(State::Part),
            },
            part: Some("one of them is published, where the other could not be or the process died"),
            ..folder.clone()
        },
        Procedure {
            name: "roll a prepared folder back",
            act: |world| {
                let swap = Swap::prepare(&world.at("s/site"))?;
                fill(swap.staging(), "new")?;
                Ok(swap.rollback()?)
            },
            look: |world| match site(&world.at("s/site"), Some("old"))? {
                // It is to be as it was.
                State::Old => Ok(State::New),
                other => bail!("the folder is {other:?}"),
            },
            ..folder.clone()
        },
        Procedure {
            name: "retire a folder and remove it",
            covers: &["atomic-swap/retire.rs remove"],
            durable: false,
            act: |world| match retire(&world.at("s/site"))? {
                Some(retired) => Ok(retired.remove()?),
                None => Ok(()),
            },
            look: |world| {
                if !world.at("s/site").exists() {
                    return Ok(State::New);
                }
                site(&world.at("s/site"), Some("old"))
            },
            ..folder
        },
        recovery(base),
    ]
}

/// Recovery of everything that can be left at once, itself cut off.
fn recovery(base: Procedure) -> Procedure {
    Procedure {
        name: "recover a folder",
        covers: &[
            "atomic-swap/recover.rs recover",
            "atomic-swap/recover.rs put_in_place",
            "atomic-swap/recover.rs withdraw",
            "atomic-swap/recover.rs is_alive",
        ],
        unsynced: &["s/site"],
        touches: &["s/site", "s/gone", "s/back", "s/file"],
        gap: Some("it begins with two folders that have lost their names"),
        prepare: |world| {
            let tree = tree(world, "s")?;
            for (folder, version) in [
                ("site", "old"),
                (".site.new-bb0000000001", "older"),
                (".site.trash-bb0000000002", "oldest"),
                (".gone.old-bb0000000003", "old"),
                (".gone.new-bb0000000003", "new"),
                (".back.old-bb0000000004", "old"),
            ] {
                tree.file(format!("s/{folder}/index"), version)?;
                tree.file(format!("s/{folder}/sub/page"), version)?;
            }
            tree.file("s/file", "old")?;
            tree.file("s/.file.tmp-bb0000000005", "ne")?;
            tree.link("s/.file.tmp-bb0000000006", "target")
        },
        act: |world| {
            let recovered = Recovered::of(&recover(&world.at("s"))?);
            ensure!(recovered.problems.is_empty(), "{:?}", recovered.problems);
            Ok(())
        },
        look: |world| {
            ensure!(site(&world.at("s/site"), Some("old"))? == State::Old, "what was published is gone");
            ensure!(site(&world.at("s/back"), Some("old"))? == State::Old, "what was put aside is not back");
            ensure!(text(&world.at("s/file"))?.as_deref() == Some("old"), "the file has changed");
            site(&world.at("s/gone"), Some("old"))
        },
        ..base
    }
}

/// Longer than what is written at once.
static LARGE: [u8; 150_000] = [b'x'; 150_000];

fn file_is(world: &World, old: Option<&[u8]>, new: &[u8]) -> Result<State> {
    let seen = text(&world.at("s/file"))?.map(String::into_bytes);
    match seen.as_deref() {
        seen if seen == old => Ok(State::Old),
        Some(seen) if seen == new => Ok(State::New),
        seen => bail!("the file has {:?} bytes", seen.map(<[u8]>::len)),
    }
}

fn publish(target: &Path, durability: Durability) -> Result<()> {
    let swap = Swap::prepare(target)?;
    fill(swap.staging(), "new")?;
    let committed = swap.commit(durability)?;
    // The caller is told; it is an error here, so that what stays is accounted for.
    committed.leftover.map_or(Ok(()), |error| Err(error.into()))
}

fn publish_together(folder: &Path, names: &[&str]) -> Result<()> {
    let file_system = FileSystem::of(folder)?.context("this file system cannot be synced as a whole")?;
    let mut sealed = Vec::new();
    for name in names {
        let swap = Swap::prepare(&folder.join(name))?;
        fill(swap.staging(), "new")?;
        sealed.push(swap.seal(&file_system)?);
    }
    for result in commit_together(&file_system, sealed)? {
        result?.leftover.map_or(Ok(()), Err)?;
    }
    Ok(())
}

fn fill(folder: &Path, version: &str) -> Result<()> {
    write(&folder.join("index"), version)?;
    op::create_folder(&folder.join("sub"))?;
    write(&folder.join("sub/page"), version)
}

/// The version of a folder, of which all files must be.
fn site(folder: &Path, old: Option<&str>) -> Result<State> {
    let versions = [text(&folder.join("index"))?, text(&folder.join("sub/page"))?];
    ensure!(versions[0] == versions[1], "{} is half: {versions:?}", folder.display());
    match versions[0].as_deref() {
        None if folder.exists() => bail!("{} is empty", folder.display()),
        version if version == old => Ok(State::Old),
        Some("new") => Ok(State::New),
        version => bail!("{} is {version:?}", folder.display()),
    }
}

fn old_or_new(seen: &str, old: &str, new: &str) -> Result<State> {
    match seen {
        seen if seen == old => Ok(State::Old),
        seen if seen == new => Ok(State::New),
        seen => bail!("it is {seen:?}"),
    }
}
