//! Licences that ours can be combined with.

use super::Package;

/// Each lets anybody use, change and pass on the package in works under any licence; what they ask for is to be named.
const ALLOWED: [&str; 9] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0", // data: the certificates of the authorities that browsers trust
    "ISC",
    "MIT",
    "Unicode-3.0", // data: tables of the properties of characters
    "Zlib",
];

pub(super) fn fault(package: &Package) -> Option<String> {
    let words = words(&package.licence);
    let allowed = Reader { words: &words }.whole();
    (allowed != Some(true)).then(|| {
        let (name, version, licence) = (&package.name, &package.version, &package.licence);
        format!("{name} {version}: the licence `{licence}` is not on the list: replace the package, or argue for it")
    })
}

/// The words of an expression such as `(MIT OR Apache-2.0) AND ISC`. Older packages write `/` for `OR`.
fn words(expression: &str) -> Vec<String> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// Reads an expression, and answers whether there is a way to keep to it; `None` if it makes no sense.
struct Reader<'a> {
    words: &'a [String],
}

impl Reader<'_> {
    fn whole(mut self) -> Option<bool> {
        let allowed = self.any()?;
        self.words.is_empty().then_some(allowed)
    }

    fn next(&mut self) -> Option<&str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn took(&mut self, word: &str) -> bool {
        let is_next = self.words.first().is_some_and(|next| next == word);
        if is_next {
            self.next();
        }
        is_next
    }

    /// `AND` binds more tightly than `OR`.
    fn any(&mut self) -> Option<bool> {
        let mut allowed = self.all()?;
        while self.took("OR") {
            allowed |= self.all()?;
        }
        Some(allowed)
    }

    fn all(&mut self) -> Option<bool> {
        let mut allowed = self.one()?;
        while self.took("AND") {
            allowed &= self.one()?;
        }
        Some(allowed)
    }

    fn one(&mut self) -> Option<bool> {
        if self.took("(") {
            let allowed = self.any()?;
            return self.took(")").then_some(allowed);
        }
        let word = self.next()?;
        if matches!(word, "OR" | "AND" | "WITH" | ")") {
            return None;
        }
        let allowed = ALLOWED.contains(&word);
        // An exception only allows more.
        if self.took("WITH") {
            self.next()?;
        }
        Some(allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_they_are_meant() {
        let table = [
            ("MIT", Some(true)),
            ("GPL-3.0-only", Some(false)),
            ("GPL-3.0-only OR MIT", Some(true)),
            ("GPL-3.0-only AND MIT", Some(false)),
            ("MIT OR GPL-3.0-only AND GPL-2.0-only", Some(true)),
            ("(MIT OR GPL-3.0-only) AND GPL-2.0-only", Some(false)),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", Some(true)),
            ("Apache-2.0 WITH LLVM-exception", Some(true)),
            ("Unlicense/MIT", Some(true)),
            ("Apache-2.0 / MIT", Some(true)),
            ("", None),
            ("MIT OR", None),
            ("(MIT", None),
            ("MIT ISC", None),
        ];
        for (expression, expected) in table {
            assert_eq!(Reader { words: &words(expression) }.whole(), expected, "{expression}");
        }
    }
}
