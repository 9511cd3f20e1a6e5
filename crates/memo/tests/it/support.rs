//! A pretend project, and builds of it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use buildbook_memo::{Durability, Env, Memo, Settings};

pub(crate) struct Project {
    pub(crate) folder: tempfile::TempDir,
}

impl Project {
    pub(crate) fn new() -> Project {
        Project { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn put(&self, name: &str, contents: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
    }

    pub(crate) fn get(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn settings(&self) -> Settings {
        let env: Env = [("PATH", "/usr/bin:/bin")].into_iter().collect();
        Settings::new(self.root(), SystemTime::now)
            .env(env)
            .durability(Durability::Cached)
            .cache(self.path("cache"))
    }

    pub(crate) fn memo(&self) -> Memo {
        Memo::new(self.settings())
    }
}
