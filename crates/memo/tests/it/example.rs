//! The worked example: whatever is edited, it gives what a clean build gives.

#[path = "../../examples/c_project.rs"]
#[allow(dead_code, reason = "its main function")]
mod c_project;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::Random;

const HEADERS: [&str; 2] = ["one.h", "two.h"];

/// A C project as it is thought of: what is in its sources, and its flags.
struct Project {
    folder: tempfile::TempDir,
    headers: BTreeMap<&'static str, u32>,
    sources: BTreeMap<String, u32>,
    flags: Vec<String>,
}

impl Project {
    fn new() -> Project {
        let folder = tempfile::tempdir().unwrap();
        let headers = BTreeMap::from(HEADERS.map(|name| (name, 1)));
        let project = Project { folder, headers, sources: BTreeMap::new(), flags: vec!["-O0".to_owned()] };
        project.put(
            "main.c",
            "#include \"one.h\"\nextern int parts(void);\nint main(void) { return ONE + parts(); }\n",
        );
        project
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Writes everything as it is thought of.
    fn write(&self) {
        for (name, value) in &self.headers {
            let constant = name.trim_end_matches(".h").to_uppercase();
            self.put(name, &format!("#define {constant} {value}\n"));
        }
        let mut sum = "0".to_owned();
        let mut declarations = String::new();
        for (name, value) in &self.sources {
            let header = HEADERS[*value as usize % 2];
            let constant = header.trim_end_matches(".h").to_uppercase();
            self.put(
                &format!("{name}.c"),
                &format!(
                    "#include \"{header}\"\nint {name}(void) {{ return {constant} * {value} + EXTRA; }}\n"
                ),
            );
            declarations += &format!("int {name}(void);\n");
            sum += &format!(" + {name}()");
        }
        self.put("parts.c", &format!("{declarations}int parts(void) {{ return {sum}; }}\n"));
    }

    /// One edit of any kind, and what it was.
    fn edit(&mut self, random: &mut Random) -> String {
        let built = self.folder.path().join("_build");
        let part = format!("part{}", random.below(4));
        let what = match random.below(8) {
            0 => {
                // Touched: written again as it is.
                "nothing".to_owned()
            }
            1 | 2 => {
                let name = HEADERS[random.below(2) as usize];
                let value = random.below(3);
                self.headers.insert(name, value);
                format!("{name} is {value}")
            }
            3 => {
                self.flags = vec![["-O0", "-O1"][random.below(2) as usize].to_owned()];
                format!("flags are {:?}", self.flags)
            }
            4 | 5 => {
                let value = random.below(4);
                self.sources.insert(part.clone(), value);
                format!("{part} is {value}")
            }
            6 => {
                self.sources.remove(&part);
                let _ = std::fs::remove_file(self.folder.path().join(format!("{part}.c")));
                format!("{part} is gone")
            }
            _ => {
                let outputs: Vec<PathBuf> = outputs(&built).into_keys().collect();
                match outputs.get(random.below(outputs.len().max(1) as u32) as usize) {
                    None => "nothing".to_owned(),
                    Some(path) if random.below(2) == 0 => {
                        std::fs::remove_file(path).unwrap();
                        format!("{} is removed", path.display())
                    }
                    Some(path) => {
                        // In place, as an editor might do it, and of the same length.
                        let mut bytes = std::fs::read(path).unwrap();
                        let middle = bytes.len() / 2;
                        bytes[middle] ^= 0x55;
                        std::fs::write(path, bytes).unwrap();
                        format!("{} is edited by hand", path.display())
                    }
                }
            }
        };
        self.write();
        what
    }

    fn flags(&self, extra: u32) -> Vec<String> {
        let mut flags = self.flags.clone();
        flags.push(format!("-DEXTRA={extra}"));
        flags
    }
}

/// What is built, by its path.
fn outputs(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Builds, and returns what is built of what there is to be built.
fn build(root: &Path, flags: Vec<String>) -> BTreeMap<PathBuf, Vec<u8>> {
    let report = c_project::run(root, flags).unwrap();
    assert!(report.is_success(), "{report}");
    let mut outputs = outputs(&root.join("_build"));
    // Objects of sources that are gone stay, and nothing uses them.
    outputs.retain(|path, _| {
        path.ends_with("program") || root.join(path.file_name().unwrap()).with_extension("c").exists()
    });
    outputs
}

#[test]
fn twenty_random_edits_give_what_clean_builds_give() {
    let seed = std::env::var("MEMO_SEED").map_or(7, |seed| seed.parse().unwrap());
    let mut random = Random::new(seed);
    let mut project = Project::new();
    project.write();
    let root = project.root();
    build(&root, project.flags(0));
    for number in 0..20 {
        let edit = project.edit(&mut random);
        let flags = project.flags(random.below(2));
        let warm = build(&root, flags.clone());
        // The same place, because C programs can contain where they were built; the same cache would prove nothing.
        let aside = root.join("_aside");
        std::fs::rename(root.join("_build"), &aside).unwrap();
        let clean = build(&root, flags);
        std::fs::remove_dir_all(root.join("_build")).unwrap();
        std::fs::rename(&aside, root.join("_build")).unwrap();
        let (warm_names, clean_names): (Vec<_>, Vec<_>) = (warm.keys().collect(), clean.keys().collect());
        assert_eq!(warm_names, clean_names, "seed {seed}, edit {number}: {edit}");
        for (path, bytes) in &warm {
            assert!(clean[path] == *bytes, "seed {seed}, edit {number}: {edit}: {} differs", path.display());
        }
    }
}

#[test]
fn an_edit_that_is_taken_back_compiles_nothing() {
    let mut project = Project::new();
    project.write();
    let root = project.root();
    let first = build(&root, project.flags(0));
    project.headers.insert("one.h", 5);
    project.write();
    assert_ne!(build(&root, project.flags(0)), first);
    project.headers.insert("one.h", 1);
    project.write();
    let trace = |root: &Path| std::fs::read_dir(root.join("_build/cache/entries")).unwrap().count();
    let before = trace(&root);
    assert_eq!(build(&root, project.flags(0)), first);
    assert_eq!(trace(&root), before, "no process ran, else there would be a new entry");
}
