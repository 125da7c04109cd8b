//! Collecting what is written piece by piece.

use crate::Error;

pub(crate) const TOO_SMALL: Error = Error::new("the buffer is too small for the value");

/// Fills a buffer that has been made as long as what is written.
pub(crate) fn collect(
    buffer: &mut [u8],
    write: impl FnOnce(&mut dyn FnMut(&[u8])) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut free = buffer;
    write(&mut |bytes| {
        if let Some((now, behind)) = core::mem::take(&mut free).split_at_mut_checked(bytes.len()) {
            now.copy_from_slice(bytes);
            free = behind;
        }
    })
}
