//! Files that are used only if every byte is as it was written.
//!
//! Eight bytes name the format; the body follows; the SHA-256 of both is the end.

use crate::digest::Digest;

/// A file that is being made.
pub(super) struct Sealed {
    bytes: Vec<u8>,
}

impl Sealed {
    pub(super) fn new(format: &[u8; 8], room: usize) -> Sealed {
        let mut bytes = Vec::with_capacity(format.len() + room + 32);
        bytes.extend_from_slice(format);
        Sealed { bytes }
    }

    pub(super) fn add(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(part);
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let digest = Digest::of(&self.bytes);
        self.bytes.extend_from_slice(digest.as_bytes());
        self.bytes
    }
}

/// What is in such a file, to be taken piece by piece.
pub(super) struct Body<'a> {
    left: &'a [u8],
}

impl<'a> Body<'a> {
    /// A part of a file that was opened before.
    pub(super) fn of(left: &'a [u8]) -> Body<'a> {
        Body { left }
    }

    /// `None` when it is not exactly what was written, or has another format.
    pub(super) fn open(format: &[u8; 8], bytes: &'a [u8]) -> Option<Body<'a>> {
        let (all, digest) = bytes.split_last_chunk::<32>()?;
        let left = all.strip_prefix(format)?;
        (Digest::of(all).as_bytes() == digest).then_some(Body { left })
    }

    pub(super) fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (piece, left) = self.left.split_first_chunk()?;
        self.left = left;
        Some(piece)
    }

    /// All that is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.left
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_or_not_used() {
        let mut sealed = Sealed::new(b"format 1", 0);
        sealed.add(b"some");
        sealed.add(b"thing");
        let bytes = sealed.finish();
        let mut body = Body::open(b"format 1", &bytes).unwrap();
        assert_eq!((body.take(), body.rest()), (Some(b"some"), &b"thing"[..]));
        assert_eq!(body.take::<6>(), None);
        assert_eq!((body.take(), body.is_empty()), (Some(b"thing"), true));
        assert!(Body::open(b"format 2", &bytes).is_none());
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 0x10;
            assert!(Body::open(b"format 1", &changed).is_none(), "byte {position}");
            assert!(Body::open(b"format 1", &bytes[..position]).is_none(), "cut at {position}");
        }
    }
}
