//! Reading a plan's file.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use buildbook::fsio;
use buildbook::layout::{BuildHash, PackageId, Platform};

use super::declared::{self, Inputs};
use super::{Plan, Target, graph, hash};

/// The largest plan that is read, in bytes. A target takes some hundred.
const LIMIT: u64 = 1 << 30;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with the key `targets`")]
struct PlanFile {
    targets: Vec<TargetFile>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with the keys `package` and `command`")]
struct TargetFile {
    package: String,
    command: Vec<String>,
    #[serde(default)]
    deps: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default = "yes")]
    blessed: bool,
    timeout_s: Option<f64>,
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(default)]
    outputs: Vec<String>,
}

fn yes() -> bool {
    true
}

/// Reads and checks a plan. The platform is part of every hash: one machine's results say nothing of another's.
pub(crate) fn read(path: &Path, platform: &Platform) -> anyhow::Result<Plan> {
    let shown = path.display();
    let bytes = fsio::read_file(path, LIMIT)?
        .ok_or_else(|| anyhow::anyhow!("cannot read the plan {shown}: there is no such file"))?;
    let file: PlanFile =
        serde_json::from_slice(&bytes).map_err(|error| anyhow::anyhow!("plan {shown}: {error}"))?;
    let path = std::path::absolute(path).with_context(|| format!("cannot find the folder of {shown}"))?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    check(file, platform, folder).map_err(|problem| anyhow::anyhow!("plan {shown}: {problem}"))
}

/// Turns what was read into a plan, or says in one line which target is wrong and how.
fn check(file: PlanFile, platform: &Platform, folder: &Path) -> Result<Plan, String> {
    if file.targets.is_empty() {
        return Err("it has no targets".to_owned());
    }
    let mut positions = HashMap::new();
    let mut packages = Vec::new();
    for (position, target) in file.targets.iter().enumerate() {
        let package: PackageId =
            target.package.parse().map_err(|error| format!("target {}: {error}", position + 1))?;
        if package.version().is_none() {
            return Err(format!("target {package}: the name has no version (NAME.VERSION)"));
        }
        if positions.insert(package.clone(), position).is_some() {
            return Err(format!("target {package} is there twice"));
        }
        packages.push(package);
    }
    let mut inputs = Inputs { folder, looks: HashMap::new() };
    let mut targets = Vec::new();
    for (raw, package) in file.targets.into_iter().zip(packages) {
        let target = check_target(raw, package.clone(), &positions, &mut inputs)
            .map_err(|problem| format!("target {package}: {problem}"))?;
        targets.push(target);
    }
    let order = graph::order(&targets)?;
    hash::fill_in(&mut targets, &order, platform);
    hash::check_layers(&targets)?;
    Ok(Plan { folder: folder.to_owned(), targets, order })
}

fn check_target(
    raw: TargetFile,
    package: PackageId,
    positions: &HashMap<PackageId, usize>,
    inputs: &mut Inputs<'_>,
) -> Result<Target, String> {
    match raw.command.first() {
        None => return Err("its command is empty".to_owned()),
        Some(program) if program.is_empty() => return Err("its command begins with an empty word".to_owned()),
        Some(_) => {}
    }
    if raw.command.iter().any(|word| word.contains('\0')) {
        return Err("its command contains a NUL".to_owned());
    }
    for (name, value) in &raw.env {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(format!("the environment variable {name:?} cannot be set"));
        }
    }
    let mut deps = Vec::new();
    for name in &raw.deps {
        let dep = name.parse::<PackageId>().map_err(|error| format!("its dependency: {error}"))?;
        let position = *positions.get(&dep).ok_or_else(|| format!("its dependency {dep} is not a target"))?;
        if !deps.contains(&position) {
            deps.push(position);
        }
    }
    let timeout = match raw.timeout_s {
        None => None,
        Some(seconds) => Some(
            Duration::try_from_secs_f64(seconds)
                .ok()
                .filter(|limit| !limit.is_zero())
                .ok_or_else(|| format!("timeout_s must be a number of seconds above 0, not {seconds}"))?,
        ),
    };
    Ok(Target {
        package,
        command: raw.command,
        deps,
        env: raw.env,
        blessed: raw.blessed,
        timeout,
        inputs: inputs.check(raw.inputs)?,
        outputs: declared::outputs(raw.outputs)?,
        // Filled in when the order is known.
        hash: BuildHash::from_digest(&[0; 32]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Result<Plan, String> {
        let file = serde_json::from_str(text).map_err(|error: serde_json::Error| error.to_string())?;
        check(file, &"test".parse().unwrap(), Path::new("/nowhere"))
    }

    #[test]
    fn a_wrong_target_is_named() {
        let table = [
            (r#"{"targets": []}"#, "no targets"),
            (r#"{"targets": [{"package": "a", "command": ["x"]}]}"#, "target a: the name has no version"),
            (r#"{"targets": [{"package": "../a.1", "command": ["x"]}]}"#, "target 1"),
            (r#"{"targets": [{"package": "a.1", "command": []}]}"#, "target a.1: its command is empty"),
            (
                r#"{"targets": [{"package": "a.1", "command": ["\u0000"]}]}"#,
                "target a.1: its command contains a NUL",
            ),
            (
                r#"{"targets": [{"package": "a.1", "command": ["x"], "deps": ["b.1"]}]}"#,
                "target a.1: its dependency b.1",
            ),
            (r#"{"targets": [{"package": "a.1", "command": ["x"], "deps": ["a.1"]}]}"#, "a.1 -> a.1"),
            (
                r#"{"targets": [{"package": "a.1", "command": ["x"], "timeout_s": 0}]}"#,
                "target a.1: timeout_s",
            ),
            (
                r#"{"targets": [{"package": "a.1", "command": ["x"], "timeout_s": -1e300}]}"#,
                "target a.1: timeout_s",
            ),
            (
                r#"{"targets": [{"package": "a.1", "command": ["x"], "env": {"A=B": ""}}]}"#,
                "target a.1: the environment",
            ),
            (
                r#"{"targets": [{"package": "a.1", "command": ["x"], "inputs": ["in"]}]}"#,
                "target a.1: its input \"in\" at /nowhere/in: No such file",
            ),
            (r#"{"targets": [{"package": "a.1", "command": ["x"], "inputs": ["/"]}]}"#, "it is not a file"),
            (
                r#"{"targets": [{"package": "a.1", "command": ["x"], "outputs": ["../out"]}]}"#,
                "target a.1: its output \"../out\"",
            ),
            (r#"{"targets": [{"package": "a.1", "comand": ["x"]}]}"#, "unknown field `comand`"),
            (
                r#"{"targets": [{"package": "a.1", "command": ["x"]}, {"package": "a.1", "command": ["x"]}]}"#,
                "target a.1 is there twice",
            ),
            (
                r#"{"targets": [{"package": "a.1", "command": ["x"], "deps": ["b.1"]},
                                {"package": "b.1", "command": ["x"], "deps": ["a.1"]}]}"#,
                "a.1 -> b.1 -> a.1",
            ),
        ];
        for (text, expected) in table {
            let problem = plan(text).expect_err(text);
            assert!(problem.contains(expected), "{problem:?} should say {expected:?}");
            assert!(!problem.contains('\n'), "one line: {problem:?}");
        }
    }

    /// Layers that were made before there were declarations are good.
    #[test]
    fn what_declares_nothing_keeps_its_hash() {
        let plan = plan(r#"{"targets": [{"package": "a.1", "command": ["x"]}]}"#).unwrap();
        assert_eq!(plan.targets[0].hash.as_str(), "21ac19d86f705c3a00c8345758da8ce0");
    }

    #[test]
    fn the_hash_follows_the_inputs_and_nothing_else() {
        let hash = |text: &str| plan(text).unwrap().targets.pop().unwrap().hash;
        let base = r#"{"targets": [{"package": "d.1", "command": ["make"]},
                                   {"package": "a.1", "command": ["x", "y"], "deps": ["d.1"], "env": {"K": "v"}}]}"#;
        for (from, to) in [
            (r#"["x", "y"]"#, r#"["xy"]"#),
            (r#"["make"]"#, r#"["make", "-k"]"#),
            (r#""v""#, r#""w""#),
            (r#""K""#, r#""L""#),
            (r#"["d.1"]"#, "[]"),
            ("a.1", "a.2"),
            (r#"{"K": "v"}"#, r#"{"K": "v"}, "outputs": ["o"]"#),
            (r#"{"K": "v"}"#, r#"{"K": "v"}, "inputs": ["/dev/../proc/self/exe"]"#),
        ] {
            assert_ne!(hash(base), hash(&base.replace(from, to)), "{from} -> {to}");
        }
        for (from, to) in [
            (r#""env": {"K": "v"}"#, r#""env": {"K": "v"}, "timeout_s": 5"#),
            (r#""env": {"K": "v"}"#, r#""env": {"K": "v"}, "blessed": false"#),
            (r#"["d.1"]"#, r#"["d.1", "d.1"]"#),
            (r#""env": {"K": "v"}"#, r#""env": {"K": "v"}, "inputs": [], "outputs": []"#),
        ] {
            assert_eq!(hash(base), hash(&base.replace(from, to)), "{from} -> {to}");
        }
    }
}
