//! The words of events: sets that this version knows, open to the words of others.

use std::fmt;

/// Declares words of a file as an enum, with one more variant for all other words, so that none is lost.
macro_rules! open_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A word that this version does not know.
            Other(String),
        }

        impl $name {
            /// The word as it is in the file.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $word,)+
                    $name::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => $name::$variant,)+
                    _ => $name::Other(word),
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                $name::from(word.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> String {
                match word {
                    $name::Other(word) => word,
                    known => known.as_str().to_owned(),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

open_words! {
    /// What a node of the graph is for.
    EventKind {
        /// `build`: building a package.
        Build = "build",
        /// `tool`: building a program that documentation is made with.
        Tool = "tool",
        /// `compile`: the first half of documenting a package.
        Compile = "compile",
        /// `doc-all`: documenting a package in one go.
        DocAll = "doc-all",
        /// `link`: the second half of documenting a package.
        Link = "link",
        /// `doc`: any of the documentation steps, from a writer that does not tell them apart.
        Doc = "doc",
    }
}

open_words! {
    /// How a node ended.
    EventStatus {
        /// `ok`: it is there.
        Ok = "ok",
        /// `fail`: it was tried and failed.
        Fail = "fail",
        /// `cascade`: it was not tried, because something that it needs failed.
        Cascade = "cascade",
    }
}

open_words! {
    /// How a result came about.
    Via {
        /// `built`: it was worked out in this run.
        Built = "built",
        /// `layer`: its layer was there already.
        Layer = "layer",
        /// `memo`: it was known from a record of an earlier run.
        Memo = "memo",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_as_itself() {
        for word in ["build", "tool", "compile", "doc-all", "link", "doc", "doc_all", "Build", ""] {
            let kind = EventKind::from(word);
            assert_eq!((kind.as_str(), String::from(kind.clone()).as_str()), (word, word));
        }
        assert_eq!(EventKind::from("doc-all"), EventKind::DocAll);
        assert_eq!(EventKind::from("doc_all"), EventKind::Other("doc_all".to_owned()));
        for (word, status) in
            [("ok", EventStatus::Ok), ("fail", EventStatus::Fail), ("cascade", EventStatus::Cascade)]
        {
            assert_eq!(EventStatus::from(word), status);
            assert_eq!(status.to_string(), word);
        }
        for (word, via) in [("built", Via::Built), ("layer", Via::Layer), ("memo", Via::Memo)] {
            assert_eq!(Via::from(word), via);
            assert_eq!(via.as_str(), word);
        }
    }
}
