//! Pretend books on disk, for trying the program by hand and for programs in other languages.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use buildbook_tests::{Case, Snapshot, Spec, case, cases, generate};

use crate::shell;

/// Says that a folder was made here, and may be made anew.
const MARKER: &str = ".made-by-cargo-xtask-fixtures";
const BOOK: &str = "book";
const HOSTILE: &str = "hostile";
/// A line for each fixture: its name, and a digest of everything that can be seen of it.
const DIGESTS: &str = "tests/fixtures.digest";

/// Options of `cargo xtask fixtures`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder to write, `fixtures` in cargo's target folder unless given.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Only this hostile case.
    #[arg(long)]
    case: Option<String>,
    /// Packages of the whole book.
    #[arg(long, default_value_t = Spec::default().packages)]
    packages: usize,
    /// Lines in each of its histories.
    #[arg(long, default_value_t = Spec::default().entries)]
    entries: usize,
    /// Its layers.
    #[arg(long, default_value_t = Spec::default().layers)]
    layers: usize,
    /// Its finished runs.
    #[arg(long, default_value_t = Spec::default().runs)]
    runs: usize,
    /// Where chance begins.
    #[arg(long, default_value_t = Spec::default().seed)]
    seed: u64,
    /// Leave out logs, pages and the files in layers.
    #[arg(long)]
    bare: bool,
    /// Write everything twice elsewhere, compare, and compare with the digests that are kept.
    #[arg(long, conflicts_with_all = ["out", "case"])]
    check: bool,
    /// Keep the digests of what is written now, after a change that is meant.
    #[arg(long, conflicts_with_all = ["out", "case", "check"])]
    bless: bool,
    /// Name the hostile cases and say what a correct reader answers.
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let spec = arguments.spec();
    if arguments.list {
        list();
        Ok(())
    } else if arguments.check {
        check(&spec)
    } else if arguments.bless {
        ensure!(spec == Spec::default(), "only the digests of the fixtures without options are kept");
        let path = shell::root().join(DIGESTS);
        let digests = in_passing(|folder| digests(folder, &spec))?;
        fs::write(&path, digests).with_context(|| format!("cannot write {}", path.display()))
    } else {
        let out = arguments.out.clone().unwrap_or_else(|| shell::target().join("fixtures"));
        write(&out, &spec, arguments.case.as_deref())
    }
}

/// The check of the fixtures that come without options.
pub(crate) fn check_default() -> Result<()> {
    check(&Spec::default())
}

impl Arguments {
    fn spec(&self) -> Spec {
        let Arguments { packages, entries, layers, runs, seed, bare, .. } = *self;
        Spec { packages, entries, layers, runs, seed, bare, ..Spec::default() }
    }
}

fn list() {
    for Case { name, about, answer, .. } in cases() {
        println!("{name}\n    {about}\n    -> {answer}");
    }
}

fn write(out: &Path, spec: &Spec, only: Option<&str>) -> Result<()> {
    claim(out)?;
    match only {
        Some(name) => {
            let case = case(name).with_context(|| format!("there is no case {name}; --list names them"))?;
            let folder = out.join(HOSTILE).join(name);
            clear(&folder)?;
            case.generate(&folder)?;
            println!("{}: {}", folder.display(), case.about);
        }
        None => {
            clear(&out.join(BOOK))?;
            clear(&out.join(HOSTILE))?;
            write_all(out, spec)?;
            println!(
                "{}: a book of {} packages, and {} hostile cases",
                out.display(),
                spec.packages,
                cases().count()
            );
        }
    }
    Ok(())
}

fn write_all(out: &Path, spec: &Spec) -> Result<()> {
    generate(&out.join(BOOK), spec)?;
    for case in cases() {
        case.generate(&out.join(HOSTILE).join(case.name))
            .with_context(|| format!("in the case {}", case.name))?;
    }
    Ok(())
}

/// Makes sure that a folder is ours. Whatever somebody else keeps in it is worth more than fixtures.
fn claim(out: &Path) -> Result<()> {
    let marker = out.join(MARKER);
    if !marker.exists() {
        let is_free = match fs::read_dir(out) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", out.display())),
        };
        ensure!(
            is_free,
            "{} has files in it that are not fixtures, and is left alone: name a folder that is empty or not there",
            out.display()
        );
    }
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    fs::write(&marker, "").with_context(|| format!("cannot write {}", marker.display()))
}

/// Removes what an earlier call made, and nothing beside it.
fn clear(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn check(spec: &Spec) -> Result<()> {
    let [one, two] = [tempfile::tempdir()?, tempfile::tempdir()?];
    let snapshots = [&one, &two].map(|folder| {
        let folder = folder.path().join("fixtures");
        write_all(&folder, spec)?;
        Snapshot::take(&folder)
    });
    let [Ok(first), Ok(second)] = snapshots else {
        let [first, second] = snapshots;
        return first.and(second).map(drop);
    };
    // The root and the folder of cases are not part of any fixture, and have the time of today.
    let differences: Vec<_> = first
        .differences(&second)
        .into_iter()
        .filter(|line| !line.starts_with(':') && !line.starts_with("hostile:"))
        .collect();
    if !differences.is_empty() {
        bail!("the fixtures differ from one time to the next:\n{}", differences.join("\n"));
    }
    if *spec == Spec::default() {
        let kept = fs::read_to_string(shell::root().join(DIGESTS))
            .with_context(|| format!("cannot read {DIGESTS}"))?;
        compare(&kept, &digests_of(&one.path().join("fixtures"))?)?;
    }
    println!("{} files, folders and links are the same both times", first.len());
    Ok(())
}

fn compare(kept: &str, now: &str) -> Result<()> {
    let [kept, now] = [kept, now].map(|text| text.lines().collect::<BTreeSet<&str>>());
    let changed = kept.symmetric_difference(&now).filter_map(|line| line.split_whitespace().next());
    let names: Vec<&str> = changed.collect::<BTreeSet<&str>>().into_iter().collect();
    ensure!(
        names.is_empty(),
        "the generator writes something else than what {DIGESTS} tells: {}; if that is meant, run \
         `cargo xtask fixtures --bless`",
        names.join(", ")
    );
    Ok(())
}

fn in_passing<T>(work: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    work(&folder.path().join("fixtures"))
}

fn digests(folder: &Path, spec: &Spec) -> Result<String> {
    write_all(folder, spec)?;
    digests_of(folder)
}

fn digests_of(folder: &Path) -> Result<String> {
    let mut lines = format!("{BOOK} {}\n", Snapshot::take(&folder.join(BOOK))?.digest());
    for case in cases() {
        let digest = Snapshot::take(&folder.join(HOSTILE).join(case.name))?.digest();
        lines.push_str(&format!("{} {digest}\n", case.name));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Spec {
        Spec { packages: 3, layers: 4, ..Spec::default() }
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis"), "years of work").unwrap();
        let error = write(folder.path(), &small(), None).unwrap_err();
        assert!(error.to_string().contains("left alone"), "{error}");
        let names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["thesis"]);
    }

    #[test]
    fn our_own_folder_is_made_anew_and_what_was_put_beside_survives() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new");
        write(&out, &small(), None).unwrap();
        let before = Snapshot::take(&out.join(BOOK)).unwrap();
        fs::write(out.join(BOOK).join("stray"), "").unwrap();
        fs::write(out.join("notes"), "").unwrap();
        write(&out, &small(), None).unwrap();
        assert_eq!(before.differences(&Snapshot::take(&out.join(BOOK)).unwrap()), Vec::<String>::new());
        assert!(out.join("notes").exists());
    }

    #[test]
    fn one_case_can_be_had_alone() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new");
        write(&out, &small(), Some("bom")).unwrap();
        assert!(out.join("hostile/bom").is_dir() && !out.join(BOOK).exists());
        assert!(write(&out, &small(), Some("../bom")).is_err());
    }

    #[test]
    fn a_change_of_the_generator_is_seen() {
        let kept = "book 1\nbom 2\n";
        assert!(compare(kept, kept).is_ok());
        let changed = compare(kept, "book 1\nbom 3\n").unwrap_err().to_string();
        assert!(changed.contains(": bom;"), "{changed}");
        assert!(compare(kept, "book 1\n").is_err(), "a case has gone");
        assert!(compare(kept, "book 1\nbom 2\nnew 3\n").is_err(), "a case is new");
    }
}
