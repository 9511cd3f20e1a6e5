//! What a collection may take, and what it must not.

use std::collections::BTreeSet;
use std::time::Duration;

use buildbook_layout::LayerName;

/// So many digits of a hash name a layer, in every spelling.
pub(crate) type Digits = [u8; 12];

/// What may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What was used less than this long ago stays, whatever else is true of it.
    pub min_age: Duration,
    /// Once this many bytes are freed, the rest stays. The longest unused goes first.
    pub max_bytes: Option<u64>,
    /// Whether a layer with a description that makes no sense may go like any other. If not, it stays, and
    /// with it every layer that could be its parent, which is every layer.
    pub remove_corrupt: bool,
}

impl Default for Policy {
    /// A week, no limit, and corrupt layers stay.
    fn default() -> Self {
        Policy { min_age: Duration::from_secs(7 * 24 * 3600), max_bytes: None, remove_corrupt: false }
    }
}

/// The layers that somebody needs: those of current plans, of locks that are held, of whatever else the
/// caller knows. A reference may be a full hash, its first twelve digits, or a layer's name.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    /// Each with the digits that it is found by, in their order.
    references: BTreeSet<(Digits, String)>,
}

impl Roots {
    /// No references at all: everything that is old enough may go.
    #[must_use]
    pub fn new() -> Self {
        Roots::default()
    }

    /// Adds a reference. A text that can name no layer is ignored.
    pub fn insert(&mut self, reference: &str) {
        let reference = reference.trim().to_ascii_lowercase();
        if let Some(digits) = digits(&reference) {
            self.references.insert((digits, reference));
        }
    }

    /// Whether any reference names this layer.
    #[must_use]
    pub fn contains(&self, layer: &LayerName) -> bool {
        let Some(digits) = digits(layer.as_str()) else { return false };
        let alike =
            self.references.range((digits, String::new())..).take_while(|(other, _)| *other == digits);
        alike.into_iter().any(|(_, reference)| layer.is_named_by(reference))
    }
}

impl<S: AsRef<str>> FromIterator<S> for Roots {
    fn from_iter<I: IntoIterator<Item = S>>(references: I) -> Self {
        let mut roots = Roots::new();
        roots.extend(references);
        roots
    }
}

impl<S: AsRef<str>> Extend<S> for Roots {
    fn extend<I: IntoIterator<Item = S>>(&mut self, references: I) {
        for reference in references {
            self.insert(reference.as_ref());
        }
    }
}

/// The digits in a reference that a layer could be found by. Whether it names the layer is for the layer to say.
pub(crate) fn digits(reference: &str) -> Option<Digits> {
    reference.rsplit('-').next()?.as_bytes().first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_every_spelling_name_a_layer() {
        let build: LayerName = "build-0123456789ab".parse().unwrap();
        let plain: LayerName = "0123456789ab".parse().unwrap();
        for reference in [
            "0123456789abcdef0123456789abcdef",
            "0123456789ab",
            "build-0123456789ab",
            "build-0123456789abcdef0123456789abcdef",
            " 0123456789AB\n",
        ] {
            let roots: Roots = [reference].into_iter().collect();
            assert!(roots.contains(&build) && roots.contains(&plain), "{reference:?}");
        }
        let roots: Roots =
            ["doc-0123456789ab", "", "-", "none", "0123456789a", "éééééééééééé"].into_iter().collect();
        assert!(!roots.contains(&build));
        assert!(roots.contains(&plain), "a layer without a prefix may be documentation");
    }
}
