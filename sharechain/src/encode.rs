//! Consensus bytes: little-endian fixed-width integers, `u8` counts, options as 00 or 01, nothing trailing.
//!
//! There is exactly one encoding per value and every decoder bounds a count before it allocates for it. The only
//! variable-width integer is the parent chain's CompactSize inside the coinbase transaction.

/// Why bytes are not the encoding of a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes stop inside a field.
    #[error("unexpected end: {wanted} more bytes wanted, {left} left")]
    UnexpectedEnd {
        /// Bytes the field needs.
        wanted: usize,
        /// Bytes there are.
        left: usize,
    },
    /// There are bytes after the last field.
    #[error("{extra} bytes after the end")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// A count or length exceeds its bound; nothing was allocated for it.
    #[error("{field} has {len} elements, at most {len_max} are allowed")]
    TooLong {
        /// The field's name in `docs/protocol/share.md`.
        field: &'static str,
        /// The length that was claimed.
        len: usize,
        /// The bound.
        len_max: usize,
    },
    /// An option or enumeration tag has no meaning.
    #[error("{field} has the unknown tag {tag}")]
    UnknownTag {
        /// The field's name.
        field: &'static str,
        /// The byte that was read.
        tag: u8,
    },
    /// The bytes spell a value that has another, canonical, spelling or none.
    #[error("{field} is malformed")]
    Malformed {
        /// The field's name.
        field: &'static str,
    },
}

/// Reads consensus bytes from a borrowed slice; never allocates more than what it was given.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The bytes that have not been read.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// [`DecodeError::UnexpectedEnd`] when fewer are left.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) =
            self.rest.split_at_checked(len).ok_or(DecodeError::UnexpectedEnd { wanted: len, left: self.rest.len() })?;
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`DecodeError::UnexpectedEnd`] when fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(DecodeError::UnexpectedEnd { wanted: N, left: self.rest.len() })?;
        self.rest = rest;
        Ok(*head)
    }

    /// A `u8` count and that many bytes.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] when the count exceeds `len_max`, [`DecodeError::UnexpectedEnd`] when bytes are missing.
    pub fn bytes_u8(&mut self, field: &'static str, len_max: usize) -> Result<&'a [u8], DecodeError> {
        let len = self.count_u8(field, len_max)?;
        self.take(len)
    }

    /// A `u8` count, bounded.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] when the count exceeds `len_max`.
    pub fn count_u8(&mut self, field: &'static str, len_max: usize) -> Result<usize, DecodeError> {
        let len = usize::from(self.u8()?);
        if len > len_max { Err(DecodeError::TooLong { field, len, len_max }) } else { Ok(len) }
    }

    /// An option tag: `false` for 00, `true` for 01.
    ///
    /// # Errors
    /// [`DecodeError::UnknownTag`] for any other byte.
    pub fn option_tag(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            tag => Err(DecodeError::UnknownTag { field, tag }),
        }
    }

    /// Succeeds when every byte has been read.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] otherwise.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing { extra: self.rest.len() }) }
    }
}

macro_rules! read_integers {
    ($($name:ident)*) => {
        impl Reader<'_> {
            $(
                #[doc = concat!("A little-endian `", stringify!($name), "`.")]
                ///
                /// # Errors
                /// [`DecodeError::UnexpectedEnd`] when bytes are missing.
                pub fn $name(&mut self) -> Result<$name, DecodeError> {
                    self.array().map($name::from_le_bytes)
                }
            )*
        }

        impl Writer {
            $(
                #[doc = concat!("Appends a little-endian `", stringify!($name), "`.")]
                pub fn $name(&mut self, value: $name) -> &mut Self {
                    self.bytes(&value.to_le_bytes())
                }
            )*
        }
    };
}
read_integers!(u8 u16 u32 u64 u128);

/// Collects consensus bytes.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty buffer with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// Appends `bytes` as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Appends a `u8` count and the bytes.
    ///
    /// Lists longer than 255 do not exist in valid values; such a count saturates, so that the encoding of an
    /// over-long value never decodes to a different value.
    pub fn bytes_u8(&mut self, bytes: &[u8]) -> &mut Self {
        self.count_u8(bytes.len()).bytes(bytes)
    }

    /// Appends a `u8` count, saturating as [`Writer::bytes_u8`] does.
    pub fn count_u8(&mut self, len: usize) -> &mut Self {
        self.u8(u8::try_from(len).unwrap_or(u8::MAX))
    }

    /// Appends the parent chain's CompactSize of `len`.
    pub fn compact_size(&mut self, len: usize) -> &mut Self {
        match (u8::try_from(len), u16::try_from(len), u32::try_from(len)) {
            (Ok(small), ..) if small < 0xfd => self.u8(small),
            (_, Ok(medium), _) => self.u8(0xfd).u16(medium),
            (_, _, Ok(large)) => self.u8(0xfe).u32(large),
            _ => self.u8(0xff).u64(u64::try_from(len).unwrap_or(u64::MAX)),
        }
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was appended yet.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The collected bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_size_uses_the_shortest_form() {
        let encoded = |len| {
            let mut writer = Writer::default();
            assert!(writer.is_empty());
            writer.compact_size(len);
            assert!(!writer.is_empty());
            hex::encode(writer.into_bytes())
        };
        assert_eq!(encoded(0xfc), "fc");
        assert_eq!(encoded(0xfd), "fdfd00");
        assert_eq!(encoded(0xffff), "fdffff");
        assert_eq!(encoded(0x1_0000), "fe00000100");
    }

    #[test]
    fn reader_refuses_what_is_missing_too_long_or_left_over() {
        let mut reader = Reader::new(&[2, 7]);
        assert_eq!(reader.remaining(), 2);
        assert_eq!(reader.bytes_u8("flags", 1), Err(DecodeError::TooLong { field: "flags", len: 2, len_max: 1 }));
        assert_eq!(reader.u16(), Err(DecodeError::UnexpectedEnd { wanted: 2, left: 1 }));
        assert_eq!(reader.option_tag("witness"), Err(DecodeError::UnknownTag { field: "witness", tag: 7 }));
        assert_eq!(Reader::new(&[1]).finish(), Err(DecodeError::Trailing { extra: 1 }));
    }
}
