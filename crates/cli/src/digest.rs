//! SHA-256 of fields and of files.

use std::fmt::Write as _;
use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

/// How much of a file is read at once.
const BUFFER_BYTES: usize = 64 << 10;

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

/// The digest of all that a reader has left.
pub(crate) fn of_reader(mut reader: impl Read) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(count) => hasher.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// As 64 hexadecimal digits.
pub(crate) fn hex(digest: &[u8; 32]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The digest of bytes in memory.
pub(crate) fn of_bytes(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
