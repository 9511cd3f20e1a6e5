//! One pass over all histories.

use buildbook_fsio::in_parallel;
use buildbook_history::History;
use buildbook_layout::{PackageId, RunId, Timestamp};

use crate::part::Part;
use crate::scan::Scan;
use crate::window::Window;
use crate::{Result, Standing, Status, VERSION};

/// An index, and what could not be taken into account.
#[derive(Debug)]
#[non_exhaustive]
pub struct Generated {
    /// What [`write`](crate::write()) writes.
    pub status: Status,
    /// Where every package stands, by package and kind.
    pub standings: Vec<Standing>,
    /// What was left out, by package.
    pub problems: Vec<Problem>,
}

/// Something that was left out. Everything else was taken into account.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A package whose history could not be read. It is not counted.
    #[error("cannot take {package} into account")]
    Package {
        /// The package.
        package: PackageId,
        /// Why.
        source: buildbook_history::Error,
    },
    /// Lines of a history that are not exactly one entry.
    #[error("the history of {package} has {}", lines(problems))]
    Lines {
        /// The package.
        package: PackageId,
        /// The lines.
        problems: Vec<buildbook_history::Problem>,
    },
    /// Something among the histories that cannot be a package.
    #[error("cannot take a folder into account")]
    Folder {
        /// Which one and why.
        source: buildbook_history::Error,
    },
}

fn lines(problems: &[buildbook_history::Problem]) -> String {
    match problems.iter().map(buildbook_history::Problem::lines).sum::<u64>() {
        1 => "one line that is no entry".to_owned(),
        count => format!("{count} lines that are no entries"),
    }
}

/// Reads every history once, on as many threads as there are cores, and says where all packages stand after a run, and what changed.
///
/// Changes are relative to the run of the previous index; what happened in runs between, which may never
/// have been indexed, is among them. Without a previous index, or with one of a later run or of a run
/// without a proper id, each package is compared with whatever run it was in before. With the index
/// of this very run, the comparison is the one that was made then, so that making it again gives the same
/// answer.
///
/// Results of runs later than `run_id` are left out: they neither hide this run's results nor count. What is
/// returned is in a fixed order, whatever order the folder has.
///
/// Where there are no histories, everything is empty.
///
/// # Errors
///
/// [`Error::Histories`](crate::Error::Histories) when the folder of the histories cannot be listed. What
/// concerns one package is in [`Generated::problems`].
pub fn generate(
    history: &History,
    run_id: &RunId,
    previous: Option<&Status>,
    now: Timestamp,
) -> Result<Generated> {
    let window = Window::new(run_id, previous);
    let found = history.packages()?;
    let problems = found.problems.into_iter().map(|source| Problem::Folder { source }).collect();
    let Some(folder) = history.open_folder()? else {
        return Ok(Generated::from_parts(Vec::new(), problems, &window, now));
    };
    let packages = &found.packages;
    let parts = in_parallel(packages.len(), share_of(packages.len()), |range| {
        let (mut scan, mut part) = (Scan::new(&folder, &window), Part::of(range.len()));
        for package in packages.get(range).unwrap_or_default() {
            match scan.read(package) {
                Ok(problems) => {
                    scan.judge(package);
                    scan.add_verdict(package, &mut part);
                    part.note_lines(package, problems);
                }
                Err(source) => part.problems.push(Problem::Package { package: package.clone(), source }),
            }
        }
        scan.end_share(&mut part);
        part
    });
    Ok(Generated::from_parts(parts, problems, &window, now))
}

/// How many packages make a share of the work: enough to be worth beginning, and so few that no thread waits long for
/// another one to finish.
pub(crate) fn share_of(packages: usize) -> usize {
    (packages / 32).clamp(32, 1024)
}

impl Generated {
    /// Puts the parts together, in their order, behind what was found before.
    pub(crate) fn from_parts(
        parts: Vec<Part>,
        problems: Vec<Problem>,
        window: &Window,
        now: Timestamp,
    ) -> Generated {
        let mut all = Part { problems, ..Part::default() };
        all.standings.reserve_exact(parts.iter().map(|part| part.standings.len()).sum());
        parts.into_iter().for_each(|part| all.add(part));
        Generated {
            status: Status {
                generated: now.to_string(),
                run_id: window.run.to_string(),
                blessed_totals: all.blessed_totals,
                non_blessed_totals: all.non_blessed_totals,
                changes: all.changes,
                new_packages: all.new_packages,
                version: VERSION,
                since: window.since.as_ref().map(RunId::to_string),
            },
            standings: all.standings,
            problems: all.problems,
        }
    }
}
