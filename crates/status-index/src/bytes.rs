//! Numbers and texts, one behind the other, in the file that the index remembers in.

/// Texts of up to so many bytes have their length in one byte.
const SHORT: u8 = u8::MAX - 1;

pub(crate) fn put_u32(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn put_u64(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn put_i64(bytes: &mut Vec<u8>, number: i64) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    match u8::try_from(text.len()) {
        Ok(length) if length <= SHORT => bytes.push(length),
        _ => {
            bytes.push(u8::MAX);
            put_u32(bytes, u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
    }
    bytes.extend_from_slice(text.as_bytes());
}

pub(crate) fn put_optional_text(bytes: &mut Vec<u8>, text: Option<&str>) {
    bytes.push(u8::from(text.is_some()));
    if let Some(text) = text {
        put_text(bytes, text);
    }
}

/// What is left of the bytes that were put. Every method is `None` where they end too soon or make no sense.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rest<'a>(pub(crate) &'a [u8]);

impl<'a> Rest<'a> {
    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = match self.u8()? {
            u8::MAX => usize::try_from(self.u32()?).ok()?,
            length => usize::from(length),
        };
        str::from_utf8(self.bytes(length)?).ok()
    }

    /// A text or none; the outer `None` is for bytes that make no sense.
    #[expect(
        clippy::option_option,
        reason = "a text that is not there is something else than bytes without sense"
    )]
    pub(crate) fn optional_text(&mut self) -> Option<Option<&'a str>> {
        if self.flag()? { self.text().map(Some) } else { Some(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_taken_and_no_part_of_it_is() {
        let long = "é".repeat(200);
        let mut bytes = vec![1];
        put_u32(&mut bytes, 7);
        put_u64(&mut bytes, u64::MAX);
        put_i64(&mut bytes, -3);
        for text in [Some("short"), None, Some(""), Some(&long)] {
            put_optional_text(&mut bytes, text);
        }
        for length in 0..=bytes.len() {
            let mut rest = Rest(&bytes[..length]);
            let mut take = || {
                let numbers = (rest.flag()?, rest.u32()?, rest.u64()?, rest.i64()?);
                let texts = [rest.optional_text()?, rest.optional_text()?, rest.optional_text()?];
                Some((numbers, texts, rest.optional_text()?))
            };
            let expected = ((true, 7, u64::MAX, -3), [Some("short"), None, Some("")], Some(long.as_str()));
            assert_eq!(take(), (length == bytes.len()).then_some(expected));
        }
        assert_eq!(Rest(&[2]).flag(), None);
        assert_eq!(Rest(&[1, 0xff]).text(), None, "it is not UTF-8");
    }
}
