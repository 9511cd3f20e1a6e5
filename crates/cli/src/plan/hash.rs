//! What a target's result depends on, as one number.

use std::collections::HashMap;

use buildbook::layout::{BuildHash, Platform};

use super::Target;
use crate::digest::Fields;

/// Changes when the meaning of the hash does, so that layers of other versions are not taken for good.
const VERSION: &str = "buildbook target 1";

/// Gives every target the hash of its platform, name, command, environment, of its dependencies' hashes, of the
/// names and contents of its inputs, and of its outputs. The time limit and the blessing are not in it: they do not
/// change what is built.
pub(super) fn fill_in(targets: &mut [Target], order: &[usize], platform: &Platform) {
    for position in order {
        let mut deps: Vec<String> =
            targets[*position].deps.iter().map(|dep| targets[*dep].hash.to_string()).collect();
        // The order in which dependencies are listed says nothing about the result.
        deps.sort();
        let target = &targets[*position];
        let mut hasher = Fields::new(VERSION);
        hasher.field(platform.as_str());
        hasher.field(target.package.as_str());
        hasher.list(target.command.iter());
        hasher.list(target.env.iter().flat_map(|(name, value)| [name, value]));
        hasher.list(deps.iter());
        // What declares nothing has the hash that it had before there were declarations.
        if !target.inputs.is_empty() || !target.outputs.is_empty() {
            hasher.list(target.inputs.iter().map(|input| &input.name));
            hasher.list(target.inputs.iter().map(|input| input.look.digest));
            hasher.list(target.inputs.iter().map(|input| [u8::from(input.look.is_executable)]));
            hasher.list(target.outputs.iter().map(|output| output.as_os_str().as_encoded_bytes()));
        }
        targets[*position].hash = BuildHash::from_digest(&hasher.finish());
    }
}

/// A layer has a part of the hash for its name. Two targets of one plan that would have the same take each other's
/// place in turn, and what depends on one is built on the other; those of two plans are only built again.
pub(super) fn check_layers(targets: &[Target]) -> Result<(), String> {
    let mut seen = HashMap::new();
    for target in targets {
        let layer = target.hash.layer();
        if let Some(other) = seen.insert(layer.clone(), target) {
            return Err(format!(
                "targets {} and {} would share the layer {layer}, by a rare chance: change the environment of one",
                other.package, target.package
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn two_targets_of_a_plan_cannot_share_a_layer() {
        let target = |package: &str, digest: [u8; 32]| Target {
            package: package.parse().unwrap(),
            command: vec!["true".to_owned()],
            deps: Vec::new(),
            env: BTreeMap::new(),
            blessed: true,
            timeout: None,
            inputs: Vec::new(),
            outputs: Vec::new(),
            hash: BuildHash::from_digest(&digest),
        };
        let mut late = [7; 32];
        late[31] = 8;
        let mut early = [7; 32];
        early[0] = 8;
        assert_eq!(check_layers(&[target("a.1", [7; 32]), target("b.1", early)]), Ok(()));
        let problem = check_layers(&[target("a.1", [7; 32]), target("b.1", late)]).unwrap_err();
        assert!(problem.contains("a.1 and b.1") && problem.contains("build-070707070707"), "{problem}");
    }
}
