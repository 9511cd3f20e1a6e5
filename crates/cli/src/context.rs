//! Which book, which platform, and where they are.

use std::ffi::OsString;
use std::fs::ReadDir;
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::Context as _;
use buildbook::history::History;
use buildbook::layout::{Book, LayerName, PackageId, Platform, PlatformTree, RunId, Timestamp};
use buildbook::runlog::{Error, RunLog};

use crate::args::Arguments;
use crate::failure::Failure;

/// What every command starts from.
pub(crate) struct Context {
    pub(crate) book: Book,
    pub(crate) json: bool,
    pub(crate) now: Timestamp,
    pub(crate) utc_offset: time::UtcOffset,
    platform: Option<String>,
}

impl Context {
    pub(crate) fn new(arguments: &Arguments, utc_offset: time::UtcOffset) -> Result<Context, Failure> {
        // A folder that is changed to later must not move the book.
        let root = std::path::absolute(&arguments.root)
            .with_context(|| format!("cannot tell where {} is", arguments.root.display()))
            .map_err(Failure::usage)?;
        Ok(Context {
            book: Book::at(root),
            json: arguments.json,
            now: Timestamp::now(),
            utc_offset,
            platform: arguments.platform.clone(),
        })
    }

    /// A command that reads needs a book to be there. A folder that holds nothing of one is a mount point without its
    /// disk, or a misspelled name, and no book in which nothing has happened.
    pub(crate) fn must_exist(&self) -> Result<(), Failure> {
        let root = self.book.path();
        let unreadable = || format!("cannot read the book at {}", root.display());
        match std::fs::metadata(root) {
            Ok(metadata) if !metadata.is_dir() => {
                Err(anyhow::anyhow!("{} is not a folder", root.display()).into())
            }
            // Also where the command asks for no platform: a misspelled one is told, and not passed over.
            Ok(_) if self.has_begun().with_context(unreadable)? => match self.platform {
                Some(_) => self.platform_tree().map(drop),
                None => Ok(()),
            },
            Ok(_) => {
                let shown = root.display();
                Err(anyhow::anyhow!("there is no book at {shown}: neither logs nor a platform is there")
                    .into())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(anyhow::anyhow!("there is no book at {}; `buildbook run` begins one", root.display())
                    .into())
            }
            Err(error) => Err(anyhow::Error::new(error).context(unreadable()).into()),
        }
    }

    /// Whether the root holds something that only a book has: runs, locks, or a platform with histories, an index or
    /// layers. The original makes each of them when it is first needed, so any one will do.
    fn has_begun(&self) -> io::Result<bool> {
        for part in [self.book.logs().path().to_owned(), self.book.locks()] {
            match part.symlink_metadata() {
                Ok(_) => return Ok(true),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let entries = std::fs::read_dir(self.book.path())?;
        let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.any(|name| {
            // In the folder of a platform, which is no book, what looks like platforms may be parts of layers.
            let may_be_platform = name.parse::<LayerName>().is_err();
            may_be_platform
                && name.parse().is_ok_and(|platform| holds_something(&self.book.platform(&platform)))
        }))
    }

    pub(crate) fn run_log(&self) -> RunLog {
        RunLog::at(self.book.logs()).with_utc_offset(self.utc_offset)
    }

    pub(crate) fn history(&self) -> Result<History, Failure> {
        Ok(History::at(self.platform_tree()?.packages()))
    }

    /// Where the platform's part of the book is. One that was asked for must be there: a misspelled name would
    /// otherwise be a platform of which nothing is known. So must this machine's, where there are several others.
    pub(crate) fn platform_tree(&self) -> Result<PlatformTree, Failure> {
        let platform = self.platform()?;
        let tree = self.book.platform(&platform);
        if tree.path().is_dir() {
            return Ok(tree);
        }
        if self.platform.is_some() {
            let path = tree.path().display();
            return Err(anyhow::anyhow!("the book has no platform {platform}: {path} is not there").into());
        }
        let others: Vec<String> = self.platforms()?.iter().map(ToString::to_string).collect();
        if others.is_empty() {
            return Ok(tree);
        }
        let others = others.join(", ");
        Err(anyhow::anyhow!(
            "the book has the platforms {others}, and not this machine's, {platform}; --platform says which is meant"
        )
        .into())
    }

    /// The platform that was asked for, else the only one of the book, else this machine's.
    pub(crate) fn platform(&self) -> Result<Platform, Failure> {
        if let Some(name) = &self.platform {
            return name.parse().map_err(Failure::usage);
        }
        let mut found = self.platforms()?;
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Ok(this_machine()),
        }
    }

    /// The platforms of the book: folders of its root that hold histories or an index.
    pub(crate) fn platforms(&self) -> Result<Vec<Platform>, Failure> {
        let root = self.book.path();
        let entries = match std::fs::read_dir(root) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| format!("cannot read the folder {}", root.display()))?,
        };
        let mut platforms: Vec<Platform> = entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|platform| is_read(&self.book.platform(platform)))
            .collect();
        platforms.sort();
        Ok(platforms)
    }
}

/// Whether something is known of a platform: it has histories or an index.
fn is_read(tree: &PlatformTree) -> bool {
    tree.packages().path().is_dir() || tree.status().is_file()
}

/// As [`is_read`], or at least layers.
fn holds_something(tree: &PlatformTree) -> bool {
    let is_layer = |name: OsString| name.to_str().is_some_and(|name| name.parse::<LayerName>().is_ok());
    let has_layers = |entries: ReadDir| entries.flatten().any(|entry| is_layer(entry.file_name()));
    is_read(tree) || std::fs::read_dir(tree.path()).is_ok_and(has_layers)
}

/// A package as the user spelled it.
pub(crate) fn package(name: &str) -> Result<PackageId, Failure> {
    name.parse().map_err(Failure::usage)
}

/// A run as the user spelled it: `latest`, an id, or the beginning of one.
pub(crate) fn resolve_run(run_log: &RunLog, selector: &str) -> Result<RunId, Failure> {
    run_log.resolve(selector).map_err(|error| match error {
        Error::NoSuchRun { .. } | Error::AmbiguousRun { .. } => Failure::failed(error),
        error => error.into(),
    })
}

/// `debian-12-x86_64`: what the system calls itself, and the processor.
fn this_machine() -> Platform {
    let release = ["/etc/os-release", "/usr/lib/os-release"]
        .into_iter()
        .find_map(|path| std::fs::read_to_string(Path::new(path)).ok())
        .unwrap_or_default();
    let field = |key: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        let word: String = line.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).collect();
        (!word.is_empty()).then_some(word)
    };
    let system = field("ID").unwrap_or_else(|| std::env::consts::OS.to_owned());
    let words = [Some(system), field("VERSION_ID"), Some(std::env::consts::ARCH.to_owned())];
    let name = words.into_iter().flatten().collect::<Vec<_>>().join("-");
    name.parse().unwrap_or_else(|_| "unknown".parse().expect("a word of letters is a valid platform"))
}
