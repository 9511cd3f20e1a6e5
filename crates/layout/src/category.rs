//! What an entry of a history is about, and how it ended.

use std::borrow::Cow;
use std::fmt;

/// How a build ended, in one word: `success`, `build_failure`, `doc_success` and so on.
///
/// The set is open. Programs of other versions add words of their own, which are kept and shown as
/// they are; the constants are those that this workspace writes or asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Category(Cow<'static, str>);

/// Which of a package's two results an entry is: they are compared and counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// The package was built.
    Build,
    /// Its documentation was generated.
    Doc,
}

impl Category {
    /// The package was built.
    pub const SUCCESS: &'static str = "success";
    /// The build itself failed.
    pub const BUILD_FAILURE: &'static str = "build_failure";
    /// Not built, because something that it depends on failed.
    pub const DEPENDENCY_FAILURE: &'static str = "dependency_failure";
    /// The machine or the network failed; building again may succeed.
    pub const TRANSIENT_FAILURE: &'static str = "transient_failure";
    /// A package of the operating system is missing.
    pub const DEPEXT_UNAVAILABLE: &'static str = "depext_unavailable";
    /// Documentation was generated.
    pub const DOC_SUCCESS: &'static str = "doc_success";

    /// Takes any word.
    pub fn new(word: impl Into<String>) -> Self {
        Category(Cow::Owned(word.into()))
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Documentation results are told from builds by the prefix `doc_`, the only mark that the format has.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.0.starts_with("doc_") { Kind::Doc } else { Kind::Build }
    }

    /// Whether this is `success` or `doc_success`.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.0 == Self::SUCCESS || self.0 == Self::DOC_SUCCESS
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Words of which there are so many that they are not copied.
const USUAL: [&str; 7] = [
    Category::SUCCESS,
    Category::DOC_SUCCESS,
    Category::BUILD_FAILURE,
    Category::DEPENDENCY_FAILURE,
    Category::TRANSIENT_FAILURE,
    Category::DEPEXT_UNAVAILABLE,
    "doc_failure",
];

impl From<&str> for Category {
    fn from(word: &str) -> Self {
        let usual = USUAL.into_iter().find(|usual| *usual == word);
        usual.map_or_else(|| Category::new(word), |usual| Category(Cow::Borrowed(usual)))
    }
}

impl Kind {
    /// `build` or `doc`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Build => "build",
            Kind::Doc => "doc",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_a_word_came_it_is_the_same() {
        for word in USUAL.into_iter().chain(["doc_link_failure_v9", ""]) {
            let read: Category = serde_json::from_value(word.into()).unwrap();
            assert_eq!((Category::from(word), &read), (Category::new(word), &read));
            assert_eq!(Category::from(word).as_str(), word);
            assert_eq!(Category::from(word).cmp(&Category::new("n")), word.cmp("n"));
        }
    }

    #[test]
    fn unknown_words_are_kept() {
        let word: Category = serde_json::from_str(r#""doc_link_failure_v9""#).unwrap();
        assert_eq!(word.kind(), Kind::Doc);
        assert!(!word.is_success());
        assert_eq!(serde_json::to_string(&word).unwrap(), r#""doc_link_failure_v9""#);
    }
}
