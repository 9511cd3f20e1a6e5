//! What collections read: descriptions of layers, and references to universes.

use std::time::Duration;

use buildbook::gc::{Policy, Roots, plan_all};
use buildbook::layout::{HtmlTree, PlatformTree};
use serde_json::Value;

use super::{at, file, scratch};
use crate::Snapshot;

const UNIVERSE: &str = "0123456789abcdef0123456789abcdef";
const PARENT: &str = "build-0123456789ab";
const CHILD: &str = "build-00000000000c";

/// Nothing goes that somebody refers to, or may refer to: a child's parents, a publication's universes, and all of
/// them if it cannot be read who refers to what. Planning changes nothing.
///
/// # Panics
///
/// If it does not hold.
pub fn check_collection(bytes: &[u8]) {
    let folder = scratch();
    let (tree, html) = (PlatformTree::at(folder.path().join("p")), HtmlTree::at(folder.path().join("html")));
    file(tree.path().join(PARENT).join("layer.json"), b"{}");
    file(tree.path().join(CHILD).join("layer.json"), bytes);
    file(html.universes().join(UNIVERSE).join("index.html"), b"");
    file(html.blessed().join("a/1/universes.json"), bytes);
    let before = Snapshot::take(folder.path()).unwrap();

    let policy = Policy { min_age: Duration::ZERO, ..Policy::default() };
    let roots: Roots = [CHILD].into_iter().collect();
    let far = at("9000-01-01T00:00:00Z");
    let (layers, universes) = plan_all(&tree, &html, &roots, &policy, far);
    let layers = layers.unwrap();
    let parent_goes = layers.removals().any(|item| item.name == PARENT);
    assert!(!layers.removals().any(|item| item.name == CHILD), "a root stays");
    let value = serde_json::from_str::<Value>(&String::from_utf8_lossy(bytes)).ok();
    if parent_goes {
        assert!(!refers_to_parent(value.as_ref()), "{value:?}");
        assert!(layers.problems.is_empty(), "{:?}", layers.problems);
    }
    match universes {
        Err(error) => assert!(error.to_string().contains("universes.json"), "{error}"),
        Ok(plan) => {
            let goes = plan.removals().any(|item| item.name == UNIVERSE);
            assert!(!goes || !strings(value.as_ref(), "universes").contains(&UNIVERSE), "{value:?}");
        }
    }
    assert_eq!(before.differences(&Snapshot::take(folder.path()).unwrap()), Vec::<String>::new());
}

/// Whether the description names the parent, or is nothing that anything could be learned from.
fn refers_to_parent(value: Option<&Value>) -> bool {
    let Some(value @ Value::Object(_)) = value else { return true };
    let named = ["parent_hashes", "hashes"].iter().flat_map(|key| strings(Some(value), key));
    let digits = PARENT.strip_prefix("build-").unwrap();
    named
        .into_iter()
        .any(|hash| hash.to_ascii_lowercase().strip_prefix("build-").unwrap_or(hash).starts_with(digits))
}

fn strings<'a>(value: Option<&'a Value>, key: &str) -> Vec<&'a str> {
    let list = value.and_then(|value| value.get(key)).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}
