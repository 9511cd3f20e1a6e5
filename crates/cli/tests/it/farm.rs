//! Several books that share a cache.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::book::{Book, Ended, command};

/// Several books beside each other, a cache, and a file to which each command adds a letter.
pub(crate) struct Farm {
    pub(crate) book: Book,
    /// Where programs are looked for, if not where they are looked for otherwise.
    pub(crate) path: Option<String>,
}

impl Farm {
    pub(crate) fn new() -> Farm {
        Farm { book: Book::new(), path: None }
    }

    pub(crate) fn ran(&self) -> String {
        std::fs::read_to_string(self.book.path("ran")).unwrap_or_default()
    }

    /// A script that says that it ran.
    pub(crate) fn script(&self, letter: char, rest: &str) -> Value {
        let ran = self.book.path("ran");
        json!(["sh", "-c", format!("printf {letter} >> '{}'; {rest}", ran.display())])
    }

    /// A library, made from a source, and a program that is made from it.
    pub(crate) fn targets(&self) -> Value {
        json!([
            {"package": "lib.1", "inputs": ["lib.c"], "outputs": ["lib"], "env": {"FLAG": "one"},
             "command": self.script('l', "echo compiling; mkdir -p lib/sub; cp \"$BUILDBOOK_SOURCE/lib.c\" lib/sub/o; \
                                          chmod 640 lib/sub/o; ln -s sub/o lib/link; chmod 750 lib/sub; echo $FLAG > scratch")},
            {"package": "app.1", "deps": ["lib.1"], "outputs": ["."],
             "command": self.script('a', "cat \"$BUILDBOOK_DEPS/lib/link\" > app; chmod 755 app")},
        ])
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.book.path(name), text).unwrap();
    }

    pub(crate) fn command(&self, root: &str, targets: &Value) -> Command {
        let mut command = command(&self.book.path(root));
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        let plan = self.book.path(&format!("plan {root}.json"));
        std::fs::write(&plan, json!({ "targets": targets }).to_string()).unwrap();
        command.args(["run", "--json", "--memo"]).arg(self.book.path("cache")).arg(plan);
        command
    }

    pub(crate) fn run(&self, root: &str, targets: &Value) -> Ended {
        Ended::from(self.command(root, targets).output().unwrap())
    }

    /// Runs a plan that succeeds, and says how each target came to be.
    #[track_caller]
    pub(crate) fn via(&self, root: &str, targets: &Value) -> BTreeMap<String, String> {
        let ended = self.run(root, targets);
        assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
        self.events(root, &ended.json())
    }

    pub(crate) fn events(&self, root: &str, report: &Value) -> BTreeMap<String, String> {
        let run = report["run"].as_str().unwrap();
        let path = self.book.path(root).join("logs/runs").join(run).join("build.jsonl");
        let text = std::fs::read_to_string(path).unwrap();
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        events.map(|event| (word(&event["pkg"]), word(&event["via"]))).collect()
    }

    /// Everything in the layers of a book but what differs with time: paths with rights, and contents or where it
    /// leads.
    pub(crate) fn layers(&self, root: &str) -> BTreeMap<PathBuf, (u32, String)> {
        let platform = self.book.path(root).join("test-1");
        let mut found = BTreeMap::new();
        let mut open = vec![platform.clone()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(&platform).unwrap().to_owned();
                let is_timed = ["layer.json", "last_used"].iter().any(|timed| name.ends_with(timed));
                if !name.starts_with("packages") && name.to_str().unwrap().starts_with("build-") && !is_timed
                {
                    let metadata = path.symlink_metadata().unwrap();
                    let contents = if metadata.is_symlink() {
                        path.read_link().unwrap().to_str().unwrap().to_owned()
                    } else if metadata.is_dir() {
                        open.push(path.clone());
                        String::new()
                    } else {
                        std::fs::read_to_string(&path).unwrap()
                    };
                    found.insert(name, (metadata.permissions().mode(), contents));
                }
            }
        }
        found
    }

    /// The one layer of a book.
    pub(crate) fn layer(&self, root: &str) -> PathBuf {
        let folders = std::fs::read_dir(self.book.path(root).join("test-1")).unwrap();
        let paths = folders.map(|entry| entry.unwrap().path());
        let is_layer = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("build-");
        let layers: Vec<PathBuf> = paths.filter(is_layer).collect();
        assert_eq!(layers.len(), 1, "{layers:?}");
        layers.into_iter().next().unwrap()
    }
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
