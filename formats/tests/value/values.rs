//! Values as bytes, and back.

use std::fmt::Debug;

use peote_net::value::{Decode, DecodeError, Encode, EncodeError, Reader, Writer};

/// The bytes of a value, without the length in front.
pub(crate) fn content<T: Encode>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut buffer = vec![0; value.encoded_len()?];
    let mut writer = Writer::new(&mut buffer);
    writer.write(value)?;
    assert_eq!(writer.free(), 0, "as many bytes as announced");
    Ok(Reader::new(&buffer).byte_string().unwrap().to_vec())
}

/// Reads a value whose content these bytes are.
pub(crate) fn read<T: for<'a> Decode<'a>>(content: &[u8]) -> Result<T, DecodeError> {
    let mut buffer = vec![0; content.len() + 4];
    let mut writer = Writer::new(&mut buffer);
    writer.byte_string(content).unwrap();
    Reader::new(writer.finish()).only()
}

/// What was written is read again.
pub(crate) fn same<T: Encode + for<'a> Decode<'a> + PartialEq + Debug>(value: &T) {
    let bytes = content(value).unwrap();
    assert_eq!(read::<T>(&bytes).as_ref(), Ok(value), "{}", String::from_utf8_lossy(&bytes));
}
