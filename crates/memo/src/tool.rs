//! Tools and commands.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::env::ToolEnv;

/// Variables that say where temporary files go, which must not show in results.
const SHIELDED: [&str; 3] = ["TMPDIR", "TEMP", "TMP"];

/// A command with no more is kept as it is, which costs nothing until it is shown.
const FEW_ARGUMENTS: usize = 32;

/// A program, and which variables of the environment have an influence on what it does.
///
/// What it consists of beyond its own file, such as shared libraries or programs that it starts, is not known
/// here: [`Spawn::stamp`](crate::Spawn::stamp) puts a version into the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    pub(crate) origin: Origin,
    pub(crate) relevant: BTreeSet<OsString>,
    pub(crate) shielded: BTreeSet<OsString>,
}

/// Where a tool comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is looked for in the folders of `PATH`.
    Named(OsString),
    /// It is there before the build.
    Installed(PathBuf),
    /// An operation of the build writes it.
    Built(PathBuf),
}

impl Tool {
    /// A tool that is looked for in the folders of the variable `PATH` of the build's environment.
    #[must_use]
    pub fn named(name: impl Into<OsString>) -> Tool {
        Tool::from(Origin::Named(name.into()))
    }

    /// A tool that is there, at a path, before the build starts.
    #[must_use]
    pub fn installed(path: impl Into<PathBuf>) -> Tool {
        Tool::from(Origin::Installed(path.into()))
    }

    /// A tool that the build makes: spawns of it wait until its file is ready.
    #[must_use]
    pub fn built(path: impl Into<PathBuf>) -> Tool {
        Tool::from(Origin::Built(path.into()))
    }

    fn from(origin: Origin) -> Tool {
        let shielded = SHIELDED.iter().map(OsString::from).collect();
        Tool { origin, relevant: BTreeSet::new(), shielded }
    }

    /// Declares variables that have an influence on what the tool does: it sees them, and their values are in the
    /// key.
    #[must_use]
    pub fn relevant(mut self, names: impl IntoIterator<Item = impl Into<OsString>>) -> Tool {
        self.relevant.extend(names.into_iter().map(Into::into));
        self
    }

    /// Declares variables that the tool needs and that do not show in what it does: it sees them, and they are
    /// not in the key. `TMPDIR`, `TEMP` and `TMP` are declared already.
    #[must_use]
    pub fn shielded(mut self, names: impl IntoIterator<Item = impl Into<OsString>>) -> Tool {
        self.shielded.extend(names.into_iter().map(Into::into));
        self
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Named(name) => name.display().fmt(f),
            Origin::Installed(path) | Origin::Built(path) => path.display().fmt(f),
        }
    }
}

/// A tool that was looked for. It starts commands, also when it was not found: their spawns fail then.
#[derive(Debug, Clone)]
pub struct MemoTool {
    pub(crate) tool: Arc<Tool>,
    pub(crate) found: Option<Arc<Path>>,
    /// What its processes see, unless a spawn adds something.
    pub(crate) env: Arc<ToolEnv>,
}

impl MemoTool {
    /// A command without arguments.
    #[must_use]
    pub fn cmd(&self) -> Cmd {
        Cmd { tool: self.clone(), arguments: Vec::new() }
    }

    /// Where the tool is; `None` when it was not found.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.found.as_deref()
    }
}

/// A tool with its arguments.
#[derive(Debug, Clone)]
pub struct Cmd {
    pub(crate) tool: MemoTool,
    pub(crate) arguments: Vec<Argument>,
}

#[derive(Debug, Clone)]
pub(crate) enum Argument {
    Stamped(OsString),
    Shielded(OsString),
}

impl Argument {
    pub(crate) fn value(&self) -> &OsStr {
        match self {
            Argument::Stamped(value) | Argument::Shielded(value) => value,
        }
    }
}

impl Cmd {
    /// Adds an argument, which is in the key.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Cmd {
        self.arguments.push(Argument::Stamped(argument.into()));
        self
    }

    /// Adds arguments, which are in the key.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Cmd {
        let arguments = arguments.into_iter();
        if self.arguments.is_empty() {
            // They rarely come in several parts, and few as they are, half of the usual room would stay empty.
            self.arguments.reserve_exact(arguments.size_hint().0);
        }
        self.arguments.extend(arguments.map(|argument| Argument::Stamped(argument.into())));
        self
    }

    /// Adds an argument that does not show in what the tool does, such as the absolute path of a read or of a
    /// write. The key says that it is there, and not what it is.
    #[must_use]
    pub fn shielded_arg(mut self, argument: impl Into<OsString>) -> Cmd {
        self.arguments.push(Argument::Shielded(argument.into()));
        self
    }

    /// One that is shown as this one is and takes less memory; `None` when this one takes little itself. It is for showing
    /// only: its arguments are others.
    pub(crate) fn abridged(&self) -> Option<Cmd> {
        if self.arguments.len() <= FEW_ARGUMENTS {
            return None;
        }
        let words: Vec<_> =
            self.arguments.iter().map(|argument| argument.value().to_string_lossy()).collect();
        let words = OsString::from(words.join(" "));
        Some(Cmd { tool: self.tool.clone(), arguments: vec![Argument::Stamped(words)] })
    }
}

impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tool.tool.fmt(f)?;
        self.arguments.iter().try_for_each(|argument| {
            f.write_str(" ")?;
            // Nearly all are text, which is quicker to see than what is none.
            match argument.value().to_str() {
                Some(text) => f.write_str(text),
                None => argument.value().display().fmt(f),
            }
        })
    }
}

/// Looks for a program in the folders of a `PATH`. An empty folder name, which shells take for the current folder,
/// is passed over; relative ones start at `cwd`.
pub(crate) fn look_up(name: &OsStr, path: Option<&OsStr>, cwd: &Path) -> Option<PathBuf> {
    let folders = std::env::split_paths(path?).filter(|folder| !folder.as_os_str().is_empty());
    let mut candidates = folders.map(|folder| cwd.join(folder).join(name));
    candidates.find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::ffi::OsStringExt as _;
    use std::time::Duration;

    use super::*;
    use crate::env::Env;
    use crate::op::Kind;
    use crate::record::{NewOp, State};

    #[test]
    fn an_operation_that_has_ended_keeps_no_long_command_and_is_shown_as_before() {
        let env = Env::default().for_tool(&BTreeSet::new(), &BTreeSet::new(), &BTreeMap::new());
        let tool = MemoTool { tool: Arc::new(Tool::named("tool")), found: None, env: Arc::new(env) };
        let mut state = State::default();
        for count in [0, FEW_ARGUMENTS, FEW_ARGUMENTS + 1, 500] {
            let arguments = (1..count).map(|number| OsString::from(format!("argument {number}")));
            let cut = (count > 0).then(|| OsString::from_vec(b"cut \xe2\x82".to_vec()));
            let command = Arc::new(tool.cmd().args(arguments.chain(cut)));
            let (label, kept) = (command.to_string(), Arc::downgrade(&command));
            let (reads, writes) = (Vec::new(), Vec::new());
            let op = NewOp { kind: Kind::Spawn, command: Some(command), reads, writes, request: None };
            let id = state.add(op, Duration::ZERO);
            assert!(kept.upgrade().is_some_and(|kept| kept.arguments.len() == count));
            assert!(state.next().is_none());
            assert_eq!(kept.upgrade().is_some(), count <= FEW_ARGUMENTS, "{count} arguments");
            assert_eq!(state.label(id), label);
        }
    }
}
