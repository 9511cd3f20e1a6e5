//! SHA-256 of fields. That of contents is `buildbook::memo::Digest`.

use sha2::{Digest as _, Sha256};

/// Length-prefixed fields: two different lists of words never give the same bytes.
pub(crate) struct Fields(Sha256);

impl Fields {
    /// The first field says what it is the digest of.
    pub(crate) fn new(version: &str) -> Fields {
        let mut fields = Fields(Sha256::new());
        fields.field(version);
        fields
    }

    pub(crate) fn field(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    pub(crate) fn list(&mut self, words: impl IntoIterator<Item = impl AsRef<[u8]>>) {
        let words: Vec<_> = words.into_iter().collect();
        self.0.update((words.len() as u64).to_le_bytes());
        for word in words {
            self.field(word);
        }
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
