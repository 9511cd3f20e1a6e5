//! A pretend farm: packages, what they need, and how each of them fared in each run.
//!
//! The outcomes hang together as on a real farm. A package is not built when something that it needs failed,
//! and the blame goes to the package that failed first; a hash changes when a package or anything below it
//! does; some packages never build, some break, some are mended, and some fail now and then.

use buildbook_layout::{BuildHash, PackageId, Universe};

use crate::Spec;
use crate::rng::Rng;

/// The whole farm, decided before a byte is written.
pub(crate) struct Farm {
    /// Sorted by nothing: a package needs only earlier ones.
    pub(crate) packages: Vec<Package>,
}

pub(crate) struct Package {
    pub(crate) id: PackageId,
    pub(crate) needs: Vec<usize>,
    pub(crate) compiler: &'static str,
    /// The universe of its blessed documentation.
    pub(crate) universe: Universe,
    /// How it fared, run by run; the unfinished run is the last.
    pub(crate) outcomes: Vec<Outcome>,
}

#[derive(Clone)]
pub(crate) struct Outcome {
    /// `success`, or why not.
    pub(crate) category: &'static str,
    pub(crate) error: Option<&'static str>,
    /// The package that is to blame, when it is not this one.
    pub(crate) root_cause: Option<usize>,
    pub(crate) hash: BuildHash,
}

impl Outcome {
    pub(crate) fn is_success(&self) -> bool {
        self.category == "success"
    }

    /// Whether the build got as far as a layer.
    pub(crate) fn has_layer(&self) -> bool {
        self.category != "depext_unavailable"
    }
}

const WORDS: [&str; 24] = [
    "anvil",
    "basalt",
    "copper-io",
    "dune-kit",
    "ember",
    "flint",
    "granite",
    "harbor-ppx",
    "iris",
    "jasper",
    "kelp",
    "lantern",
    "marble",
    "nickel",
    "opal_unix",
    "pumice",
    "quartz",
    "rime",
    "slate",
    "topaz",
    "umber",
    "vellum",
    "wicker",
    "yarrow",
];
const VERSIONS: [&str; 7] = ["1.2.0", "0.8.5", "5.2.0+ox", "3.1.4~beta2+x", "v0.17.1", "20240101", "2.0.0-1"];
const COMPILERS: [&str; 3] = ["5.3.0", "5.2.1", ""];

/// A package needs only packages of lower storeys. Without a roof, one failure would in the end stop everything.
const STOREYS: usize = 4;

/// What becomes of a package from run to run.
enum Temper {
    Sound,
    Broken(usize),
    NowAndThen,
    BreaksIn(usize),
    MendedIn(usize),
}

const REASONS: [(&str, Option<&str>); 4] = [
    ("build_failure", None),
    ("build_failure", Some("error with \"quotes\" and a\nnewline — dash")),
    ("depext_unavailable", Some("E: Unable to locate package libpretend-dev")),
    ("transient_failure", Some("curl: (28) Connection timed out")),
];

impl Farm {
    pub(crate) fn imagine(spec: &Spec) -> Farm {
        let mut farm = Farm { packages: Vec::with_capacity(spec.packages) };
        for index in 0..spec.packages {
            let package = farm.imagine_package(spec, index);
            farm.packages.push(package);
        }
        farm
    }

    fn imagine_package(&self, spec: &Spec, index: usize) -> Package {
        let id = name(index);
        let mut rng = Rng::named(spec.seed, id.as_str());
        let mut needs: Vec<usize> = (0..rng.below(4))
            .map(|_| rng.below(index))
            .filter(|need| *need < index && need % STOREYS < index % STOREYS)
            .collect();
        needs.sort_unstable();
        needs.dedup();
        let temper = match index % 40 {
            5 => Temper::Broken(0),
            11 => Temper::Broken(1),
            17 => Temper::Broken(2),
            23 => Temper::Broken(3),
            29 => Temper::NowAndThen,
            31 => Temper::BreaksIn(1 + rng.below(spec.runs.saturating_sub(1))),
            37 => Temper::MendedIn(1 + rng.below(spec.runs.saturating_sub(1))),
            _ if rng.chance(2) => Temper::NowAndThen,
            _ => Temper::Sound,
        };
        let compiler = COMPILERS[rng.below(COMPILERS.len())];
        let mut edition = 0;
        let outcomes = (0..=spec.runs)
            .map(|run| {
                // Its recipe is changed now and then, even if nothing that it needs was.
                edition += usize::from(run > 0 && rng.chance(8));
                let hash = self.hash(spec, &id, edition, &needs, run);
                let (category, error, root_cause) = match self.first_failure(&needs, run) {
                    Some(cause) => ("dependency_failure", None, Some(cause)),
                    None => {
                        let (category, error) = temper.result_in(run);
                        (category, error, None)
                    }
                };
                Outcome { category, error, root_cause, hash }
            })
            .collect();
        let universe = rng.hex(32).parse().expect("32 hexadecimal digits are a universe");
        Package { id, needs, compiler, universe, outcomes }
    }

    fn hash(&self, spec: &Spec, id: &PackageId, edition: usize, needs: &[usize], run: usize) -> BuildHash {
        let mut inputs = format!("{id} {edition}");
        for need in needs {
            inputs.push(' ');
            inputs.push_str(self.packages[*need].outcomes[run].hash.as_str());
        }
        hash_of(spec, &inputs)
    }

    /// The package that is to blame when one of these was not built.
    fn first_failure(&self, needs: &[usize], run: usize) -> Option<usize> {
        needs.iter().find_map(|need| {
            let outcome = &self.packages[*need].outcomes[run];
            (!outcome.is_success()).then(|| outcome.root_cause.unwrap_or(*need))
        })
    }
}

/// The hash of whatever is spelled out.
pub(crate) fn hash_of(spec: &Spec, inputs: &str) -> BuildHash {
    let digits = Rng::named(spec.seed, inputs).hex(32);
    digits.parse().expect("32 hexadecimal digits are a build hash")
}

impl Temper {
    fn result_in(&self, run: usize) -> (&'static str, Option<&'static str>) {
        let fails = match self {
            Temper::Sound => None,
            Temper::Broken(reason) => Some(REASONS[*reason]),
            Temper::NowAndThen => (run % 2 == 1).then_some(REASONS[3]),
            Temper::BreaksIn(first) => (run >= *first).then_some(REASONS[1]),
            Temper::MendedIn(first) => (run < *first).then_some(REASONS[0]),
        };
        fails.unwrap_or(("success", None))
    }
}

/// Every fifth package is another version of the one before it.
fn name(index: usize) -> PackageId {
    let base = if index % 5 == 4 { index - 1 } else { index };
    let word = WORDS[base % WORDS.len()];
    let version = VERSIONS[index % VERSIONS.len()];
    let text = match base / WORDS.len() {
        0 => format!("{word}.{version}"),
        round => format!("{word}-{round}.{version}"),
    };
    text.parse().expect("the words and versions are plain")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_never_given_twice() {
        let names: BTreeSet<PackageId> = (0..2000).map(name).collect();
        assert_eq!(names.len(), 2000);
    }

    #[test]
    fn failures_hang_together() {
        let spec = Spec { packages: 400, ..Spec::default() };
        let farm = Farm::imagine(&spec);
        let mut seen = BTreeSet::new();
        for package in &farm.packages {
            for (run, outcome) in package.outcomes.iter().enumerate() {
                seen.insert(outcome.category);
                let failed: Vec<_> = package
                    .needs
                    .iter()
                    .filter(|need| !farm.packages[**need].outcomes[run].is_success())
                    .collect();
                assert_eq!(outcome.category == "dependency_failure", !failed.is_empty(), "{}", package.id);
                if let Some(cause) = outcome.root_cause {
                    let cause = &farm.packages[cause].outcomes[run];
                    assert!(!cause.is_success() && cause.root_cause.is_none(), "{}", package.id);
                }
            }
        }
        let all =
            ["build_failure", "dependency_failure", "depext_unavailable", "success", "transient_failure"];
        assert_eq!(seen, BTreeSet::from(all));
    }

    #[test]
    fn a_hash_changes_with_what_is_below_it() {
        let farm = Farm::imagine(&Spec { packages: 200, ..Spec::default() });
        let mut moved = 0;
        for package in &farm.packages {
            for run in 1..package.outcomes.len() {
                let changed =
                    |package: &Package| package.outcomes[run].hash != package.outcomes[run - 1].hash;
                if package.needs.iter().any(|need| changed(&farm.packages[*need])) {
                    assert!(changed(package), "{}", package.id);
                    moved += 1;
                }
            }
        }
        assert!(moved > 10, "only {moved}");
    }
}
