//! Values as bytes: numbers of fixed width, and texts behind their length.

use jiff::Timestamp;
use std::io::{self, ErrorKind, Read, Write};

/// A value that is kept in memory, or in a temporary file of the same run.
pub(crate) trait Spill: Ord + Sized {
    /// About how many bytes it takes in memory.
    fn size(&self) -> usize;

    fn write(&self, out: &mut impl Write) -> io::Result<()>;

    fn read(input: &mut impl Read) -> io::Result<Self>;
}

/// A part of a value.
pub(crate) trait Bytes: Sized {
    fn encode(&self, out: &mut impl Write) -> io::Result<()>;

    fn decode(input: &mut impl Read) -> io::Result<Self>;
}

/// The length of a text for which memory is taken before it is read, in bytes.
const BELIEVED: usize = 16 << 10;

/// The error for data that this program did not write.
fn damaged() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "a temporary file was changed")
}

impl Bytes for u64 {
    fn encode(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.to_le_bytes())
    }

    fn decode(input: &mut impl Read) -> io::Result<Self> {
        let mut bytes = [0; 8];
        input.read_exact(&mut bytes)?;
        Ok(Self::from_le_bytes(bytes))
    }
}

impl Bytes for bool {
    fn encode(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&[u8::from(*self)])
    }

    fn decode(input: &mut impl Read) -> io::Result<Self> {
        let mut byte = [0; 1];
        input.read_exact(&mut byte)?;
        Ok(byte != [0])
    }
}

impl Bytes for Timestamp {
    fn encode(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.as_nanosecond().to_le_bytes())
    }

    fn decode(input: &mut impl Read) -> io::Result<Self> {
        let mut bytes = [0; 16];
        input.read_exact(&mut bytes)?;
        Self::from_nanosecond(i128::from_le_bytes(bytes)).map_err(|_| damaged())
    }
}

impl Bytes for Vec<u8> {
    fn encode(&self, out: &mut impl Write) -> io::Result<()> {
        put_slice(self, out)
    }

    fn decode(input: &mut impl Read) -> io::Result<Self> {
        let length = u64::decode(input)?;
        // The length is not believed before the bytes are there.
        let mut bytes = Self::with_capacity(usize::try_from(length).unwrap_or(usize::MAX).min(BELIEVED));
        let read = input.by_ref().take(length).read_to_end(&mut bytes)?;
        if u64::try_from(read).ok() == Some(length) {
            Ok(bytes)
        } else {
            Err(ErrorKind::UnexpectedEof.into())
        }
    }
}

impl Bytes for String {
    fn encode(&self, out: &mut impl Write) -> io::Result<()> {
        put_slice(self.as_bytes(), out)
    }

    fn decode(input: &mut impl Read) -> io::Result<Self> {
        Self::from_utf8(Vec::decode(input)?).map_err(|_| damaged())
    }
}

impl<T: Bytes> Bytes for Option<T> {
    fn encode(&self, out: &mut impl Write) -> io::Result<()> {
        self.is_some().encode(out)?;
        self.as_ref().map_or(Ok(()), |value| value.encode(out))
    }

    fn decode(input: &mut impl Read) -> io::Result<Self> {
        if bool::decode(input)? { T::decode(input).map(Some) } else { Ok(None) }
    }
}

fn put_slice(bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    u64::try_from(bytes.len()).map_err(|_| damaged())?.encode(out)?;
    out.write_all(bytes)
}
