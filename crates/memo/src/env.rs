//! Environments: what a tool sees, and what of it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

/// The environment of a build. A tool sees none of it but the variables it declares, so that nothing else can
/// have an influence on what it does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Env {
    variables: BTreeMap<OsString, OsString>,
    forced: BTreeMap<OsString, OsString>,
}

impl Env {
    /// An environment without variables.
    #[must_use]
    pub fn new() -> Env {
        Env::default()
    }

    /// Sets a variable, which tools that declare it see.
    #[must_use]
    pub fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Env {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Sets a variable that every tool sees, whatever it declares and whatever a spawn says.
    #[must_use]
    pub fn forced(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Env {
        self.forced.insert(name.into(), value.into());
        self
    }

    /// The value of a variable; that which is forced, if it is.
    #[must_use]
    pub fn get(&self, name: impl AsRef<OsStr>) -> Option<&OsStr> {
        let name = name.as_ref();
        self.forced.get(name).or_else(|| self.variables.get(name)).map(OsString::as_os_str)
    }

    /// What a tool sees that declares `relevant` and `shielded` variables, with those that a spawn adds.
    pub(crate) fn for_tool(
        &self,
        relevant: &BTreeSet<OsString>,
        shielded: &BTreeSet<OsString>,
        added: &BTreeMap<OsString, OsString>,
    ) -> ToolEnv {
        let declared = relevant.iter().chain(shielded);
        let mut variables: BTreeMap<OsString, OsString> =
            declared.filter_map(|name| Some((name.clone(), self.variables.get(name)?.clone()))).collect();
        for (name, value) in added.iter().chain(&self.forced) {
            variables.insert(name.clone(), value.clone());
        }
        let counts = |name: &OsString| relevant.contains(name) || !shielded.contains(name);
        let (relevant, shielded) = variables.into_iter().partition(|(name, _)| counts(name));
        ToolEnv { relevant, shielded }
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Env {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Env { variables, forced: BTreeMap::new() }
    }
}

/// The environment of one process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ToolEnv {
    /// What counts for the key.
    pub(crate) relevant: BTreeMap<OsString, OsString>,
    /// What does not.
    pub(crate) shielded: BTreeMap<OsString, OsString>,
}

impl ToolEnv {
    pub(crate) fn all(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.relevant.iter().chain(&self.shielded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<OsString> {
        names.iter().map(OsString::from).collect()
    }

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<OsString, OsString> {
        pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn a_tool_sees_what_it_declares_then_what_is_added_then_what_is_forced() {
        let env: Env = [("A", "a"), ("B", "b"), ("TMPDIR", "t"), ("C", "c")].into_iter().collect();
        let env = env.forced("F", "forced").forced("B", "forced");
        let seen = env.for_tool(
            &names(&["A", "B", "MISSING"]),
            &names(&["TMPDIR", "S"]),
            &variables(&[("A", "added"), ("B", "added"), ("S", "added"), ("NEW", "added")]),
        );
        let relevant = [("A", "added"), ("B", "forced"), ("F", "forced"), ("NEW", "added")];
        assert_eq!(seen.relevant, variables(&relevant));
        assert_eq!(seen.shielded, variables(&[("S", "added"), ("TMPDIR", "t")]));
    }

    #[test]
    fn what_is_both_relevant_and_shielded_counts() {
        let env: Env = [("A", "a")].into_iter().collect();
        let seen = env.for_tool(&names(&["A"]), &names(&["A"]), &BTreeMap::new());
        assert_eq!((seen.relevant.len(), seen.shielded.len()), (1, 0));
    }
}
