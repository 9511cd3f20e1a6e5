//! What a target's result depends on, as one number.

use sha2::{Digest as _, Sha256};

use buildbook::layout::{BuildHash, Platform};

use super::Target;

/// Changes when the meaning of the hash does, so that layers of other versions are not taken for good.
const VERSION: &str = "buildbook target 1";

/// Gives every target the hash of its platform, name, command, environment and of its dependencies' hashes.
/// The time limit and the blessing are not in it: they do not change what is built.
pub(super) fn fill_in(targets: &mut [Target], order: &[usize], platform: &Platform) {
    for position in order {
        let mut deps: Vec<String> =
            targets[*position].deps.iter().map(|dep| targets[*dep].hash.to_string()).collect();
        // The order in which dependencies are listed says nothing about the result.
        deps.sort();
        let target = &targets[*position];
        let mut hasher = Fields(Sha256::new());
        hasher.field(VERSION);
        hasher.field(platform.as_str());
        hasher.field(target.package.as_str());
        hasher.list(target.command.iter());
        hasher.list(target.env.iter().flat_map(|(name, value)| [name, value]));
        hasher.list(deps.iter());
        let digest: [u8; 32] = hasher.0.finalize().into();
        targets[*position].hash = BuildHash::from_digest(&digest);
    }
}

/// Length-prefixed fields: two different lists of words never give the same bytes.
struct Fields(Sha256);

impl Fields {
    fn field(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    fn list<'a>(&mut self, words: impl Iterator<Item = &'a String>) {
        let words: Vec<&String> = words.collect();
        self.0.update((words.len() as u64).to_le_bytes());
        for word in words {
            self.field(word);
        }
    }
}
