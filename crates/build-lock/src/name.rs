//! The names of lock files.

use std::fmt;
use std::str::FromStr;

use buildbook_layout::{InvalidName, PackageId, Reason, Universe};

const ENDING: &str = ".lock";
/// The longest name that file systems allow, in bytes.
const MAX_FILE_NAME: usize = 255;

/// What is being made under a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// A package.
    Build,
    /// Documentation of a package.
    Doc,
    /// A tool that the farm itself needs.
    Tool,
}

impl Stage {
    const ALL: [Stage; 3] = [Stage::Build, Stage::Doc, Stage::Tool];

    /// The word at the beginning of a lock's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Build => "build",
            Stage::Doc => "doc",
            Stage::Tool => "tool",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a lock is for, as the name of its file spells it.
///
/// Every value is what its spelling reads as. A package whose own name ends like a universe is therefore the
/// same as that package in that universe, and the two share a lock, which is safe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockName {
    stage: Stage,
    package: PackageId,
    universe: Option<Universe>,
    compiler: Option<String>,
}

impl LockName {
    /// The build of a package.
    #[must_use]
    pub fn build(package: &PackageId) -> Self {
        Self::whole(Stage::Build, package)
    }

    /// The build of a package against one set of dependencies.
    #[must_use]
    pub fn build_in(package: &PackageId, universe: &Universe) -> Self {
        Self::within(Stage::Build, package, universe)
    }

    /// The documentation of a package.
    #[must_use]
    pub fn doc(package: &PackageId) -> Self {
        Self::whole(Stage::Doc, package)
    }

    /// The documentation of a package against one set of dependencies.
    #[must_use]
    pub fn doc_in(package: &PackageId, universe: &Universe) -> Self {
        Self::within(Stage::Doc, package, universe)
    }

    /// A tool.
    #[must_use]
    pub fn tool(tool: &PackageId) -> Self {
        Self::whole(Stage::Tool, tool)
    }

    /// A tool for one version of the compiler, such as `5.3.0`.
    ///
    /// # Errors
    ///
    /// A version that does not begin with a digit, has no dot, or has other characters than ASCII letters,
    /// digits, `.`, `+`, `~` and `_`; and one that makes the name of the file longer than 255 bytes.
    pub fn tool_for(tool: &PackageId, compiler: &str) -> Result<Self, InvalidName> {
        let invalid = |reason| InvalidName {
            what: "compiler version",
            name: compiler.chars().take(80).collect(),
            reason,
        };
        if !is_compiler(compiler) {
            return Err(invalid(Reason::Shape("a version such as 5.3.0")));
        }
        let name = LockName {
            stage: Stage::Tool,
            package: tool.clone(),
            universe: None,
            compiler: Some(compiler.to_owned()),
        };
        if name.to_string().len() > MAX_FILE_NAME { Err(invalid(Reason::TooLong)) } else { Ok(name) }
    }

    /// Reads the name of a lock file. Name and version of a package part at the first dot.
    ///
    /// # Errors
    ///
    /// Every other spelling.
    pub fn parse(file_name: &str) -> Result<Self, InvalidName> {
        let invalid = || InvalidName {
            what: "lock",
            name: file_name.chars().take(80).collect(),
            reason: Reason::Shape("STAGE-PACKAGE.lock, where the stage is build, doc or tool"),
        };
        let stem = file_name.strip_suffix(ENDING).ok_or_else(invalid)?;
        let (stage, rest) = stem.split_once('-').ok_or_else(invalid)?;
        let stage = Stage::ALL.into_iter().find(|known| known.as_str() == stage).ok_or_else(invalid)?;
        match Self::with_suffix(stage, rest) {
            Some(name) => Ok(name),
            None => Ok(LockName { stage, package: rest.parse()?, universe: None, compiler: None }),
        }
    }

    fn whole(stage: Stage, package: &PackageId) -> Self {
        Self::with_suffix(stage, package.as_str()).unwrap_or_else(|| LockName {
            stage,
            package: package.clone(),
            universe: None,
            compiler: None,
        })
    }

    fn within(stage: Stage, package: &PackageId, universe: &Universe) -> Self {
        LockName { stage, package: package.clone(), universe: Some(universe.clone()), compiler: None }
    }

    /// Reads a text that ends in what a package is made for; `None` when it does not.
    fn with_suffix(stage: Stage, text: &str) -> Option<Self> {
        let (package, suffix) = text.rsplit_once('-')?;
        let package: PackageId = package.parse().ok()?;
        let (universe, compiler) = match stage {
            Stage::Build | Stage::Doc => (Some(suffix.parse().ok()?), None),
            Stage::Tool => (None, is_compiler(suffix).then(|| Some(suffix.to_owned()))?),
        };
        Some(LockName { stage, package, universe, compiler })
    }

    /// What is being made.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The name of the package or tool, without its version.
    #[must_use]
    pub fn package(&self) -> &str {
        self.package.name()
    }

    /// The version of the package or tool. The original says `0` for every tool.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.package.version()
    }

    /// The set of dependencies that it is made against.
    #[must_use]
    pub fn universe(&self) -> Option<&Universe> {
        self.universe.as_ref()
    }

    /// The version of the compiler that a tool is made for. The original has it where the universe of
    /// a package is.
    #[must_use]
    pub fn compiler(&self) -> Option<&str> {
        self.compiler.as_deref()
    }
}

impl fmt::Display for LockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.stage, self.package)?;
        if let Some(universe) = &self.universe {
            write!(f, "-{universe}")?;
        }
        if let Some(compiler) = &self.compiler {
            write!(f, "-{compiler}")?;
        }
        f.write_str(ENDING)
    }
}

impl FromStr for LockName {
    type Err = InvalidName;

    fn from_str(file_name: &str) -> Result<Self, Self::Err> {
        LockName::parse(file_name)
    }
}

/// Whether a file of this name, visible and not only an ending, may be a lock.
pub(crate) fn may_be_lock(file_name: &std::ffi::OsStr) -> bool {
    let name = file_name.as_encoded_bytes();
    name.ends_with(ENDING.as_bytes()) && !name.starts_with(b".")
}

/// A tool's name may have dashes and dots of its own, so that only what looks like a number is a version.
fn is_compiler(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && text.contains('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'~' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNIVERSE: &str = "0123456789abcdef0123456789abcdef";

    type Parts<'a> = (Stage, &'a str, Option<&'a str>, Option<&'a str>, Option<&'a str>);

    fn parts(name: &LockName) -> Parts<'_> {
        let universe = name.universe().map(Universe::as_str);
        (name.stage(), name.package(), name.version(), universe, name.compiler())
    }

    #[test]
    fn names_are_read_as_they_are_meant() {
        let zinc = format!("build-zinc.1-{}.lock", "Z".repeat(32));
        let zinc_version = format!("1-{}", "Z".repeat(32));
        let in_universe = format!("build-anvil.1.2.0-{UNIVERSE}.lock");
        let unversioned = format!("doc-anvil-{UNIVERSE}.lock");
        let table: [(&str, Parts<'_>); 12] = [
            ("build-astring.0.8.5.lock", (Stage::Build, "astring", Some("0.8.5"), None, None)),
            (
                "build-ocaml-variants.5.2.0+ox.lock",
                (Stage::Build, "ocaml-variants", Some("5.2.0+ox"), None, None),
            ),
            ("build-dune-kit.3.1-rc1.lock", (Stage::Build, "dune-kit", Some("3.1-rc1"), None, None)),
            (&in_universe, (Stage::Build, "anvil", Some("1.2.0"), Some(UNIVERSE), None)),
            (&zinc, (Stage::Build, "zinc", Some(&zinc_version), None, None)),
            (&unversioned, (Stage::Doc, "anvil", None, Some(UNIVERSE), None)),
            ("build-nodot.lock", (Stage::Build, "nodot", None, None, None)),
            ("tool-odoc.lock", (Stage::Tool, "odoc", None, None, None)),
            ("tool-odoc-driver-5.3.0.lock", (Stage::Tool, "odoc-driver", None, None, Some("5.3.0"))),
            ("tool-sherlodoc-next.lock", (Stage::Tool, "sherlodoc-next", None, None, None)),
            ("tool-odoc-driver.3.1.lock", (Stage::Tool, "odoc-driver", Some("3.1"), None, None)),
            ("build-a.1-5.3.0.lock", (Stage::Build, "a", Some("1-5.3.0"), None, None)),
        ];
        for (text, expected) in table {
            let name = LockName::parse(text).unwrap();
            assert_eq!(parts(&name), expected, "{text}");
            assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn other_names_are_refused() {
        for text in [
            "",
            ".lock",
            "build-.lock",
            "build.lock",
            "other-a.1.lock",
            "a.1.lock",
            "build-a.1.txt",
            "build-a.1",
            "BUILD-a.1.lock",
            "build-a..lock/../x.lock",
            "build-../x.lock",
            "build-a.1\n.lock",
            "build-a..lock\0",
            "tool-.lock",
            "build-a..lock.txt",
        ] {
            assert!(LockName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_compiler_version_is_one() {
        let odoc: PackageId = "odoc".parse().unwrap();
        assert_eq!(LockName::tool_for(&odoc, "5.3.0").unwrap().to_string(), "tool-odoc-5.3.0.lock");
        for bad in ["", "next", "5", "../5.3.0", "5.3.0-rc1", "5.3\n0"] {
            assert!(LockName::tool_for(&odoc, bad).is_err(), "{bad:?}");
        }
        let long: PackageId = "x".repeat(200).parse().unwrap();
        assert!(LockName::tool_for(&long, &format!("5.{}", "0".repeat(42))).is_ok());
        assert!(LockName::tool_for(&long, &format!("5.{}", "0".repeat(43))).is_err());
    }

    #[test]
    fn the_longest_package_has_a_lock() {
        let package: PackageId = "x".repeat(buildbook_layout::MAX_NAME_BYTES).parse().unwrap();
        let universe: Universe = UNIVERSE.parse().unwrap();
        assert!(LockName::build_in(&package, &universe).to_string().len() <= MAX_FILE_NAME);
    }

    proptest! {
        #[test]
        fn every_name_is_what_its_spelling_reads_as(
            package in "[a-z0-9-]{1,12}(\\.[a-z0-9][a-z0-9.+~-]{0,12}[a-f0-9])?(-[0-9a-f]{32})?",
            universe in "[0-9a-f]{32}",
        ) {
            let package: PackageId = package.parse().unwrap();
            let universe: Universe = universe.parse().unwrap();
            for name in [
                LockName::build(&package),
                LockName::doc(&package),
                LockName::tool(&package),
                LockName::build_in(&package, &universe),
                LockName::doc_in(&package, &universe),
            ] {
                prop_assert_eq!(LockName::parse(&name.to_string()), Ok(name));
            }
        }

        #[test]
        fn no_file_name_panics(text in "(build-|doc-|tool-)?\\PC{0,40}(\\.lock)?") {
            if let Ok(name) = LockName::parse(&text) {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
