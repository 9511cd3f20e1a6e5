//! Programs that packages run while they are built.

use super::Package;

/// A build script that somebody has read: at this version it does this, and nothing else. None of them opens a
/// connection. An update has to be read again.
const READ: &[(&str, &str, &str)] = &[
    ("anyhow", "1.0.104", "asks the compiler what it can do"),
    ("aws-lc-rs", "1.19.0", "chooses between parts of aws-lc-sys"),
    (
        "aws-lc-sys",
        "0.47.0",
        "compiles its own C sources with cc or cmake; looked through for connections, not read whole",
    ),
    ("getrandom", "0.4.3", "looks for a sanitizer"),
    ("httparse", "1.10.1", "asks the compiler for its version and chooses processor features"),
    ("icu_normalizer_data", "2.4.0", "looks whether other tables are named"),
    ("icu_properties_data", "2.4.0", "looks whether other tables are named"),
    ("libc", "0.2.191", "asks the compiler, and elsewhere the system, for its version"),
    ("nix", "0.31.3", "gives names to groups of systems"),
    ("num-traits", "0.2.19", "asks the compiler what it can do"),
    ("portable-atomic", "1.15.0", "asks the compiler for its version"),
    ("proc-macro2", "1.0.107", "asks the compiler what it can do"),
    ("quote", "1.0.47", "asks the compiler for its version"),
    ("ring", "0.17.14", "compiles its own C and assembler sources with cc"),
    ("rustix", "1.1.6", "asks the compiler what it can do"),
    ("rustls", "0.23.46", "looks whether the compiler is a nightly one"),
    ("serde", "1.0.229", "asks the compiler for its version and names a module of its own"),
    ("serde_core", "1.0.229", "asks the compiler for its version and names a module of its own"),
    ("serde_json", "1.0.154", "looks at the width of the processor"),
    ("signal-hook", "0.4.6", "compiles a C file of its own where that is asked for"),
    ("thiserror", "2.0.21", "asks the compiler what it can do and names a module of its own"),
    ("zmij", "1.0.23", "asks the compiler for its version"),
];

pub(super) fn fault(package: &Package) -> Option<String> {
    let is_read =
        READ.iter().any(|(name, version, _)| (*name, *version) == (&package.name, &package.version));
    (package.has_script && !is_read).then(|| {
        let (name, version) = (&package.name, &package.version);
        format!("{name} {version} runs a script that nobody has read: read its build.rs, then list it in supply/scripts.rs")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_that_was_read_may_run() {
        let package = |version: &str, has_script| Package {
            name: "ring".to_owned(),
            version: version.to_owned(),
            licence: "MIT".to_owned(),
            has_script,
            only_tests: false,
        };
        assert_eq!(fault(&package("0.17.14", true)), None);
        assert!(fault(&package("0.17.15", true)).is_some());
        assert_eq!(fault(&package("0.17.15", false)), None);
    }

    #[test]
    fn the_list_is_sorted_and_says_why() {
        assert!(READ.is_sorted());
        assert!(READ.iter().all(|(_, _, what)| !what.is_empty()));
    }
}
