//! Copying that cannot panic.

/// Copies `bytes` to `memory`, from `at` on. Does nothing if they do not fit.
#[cfg_attr(feature = "speed", inline)]
pub(crate) fn copy_to(memory: &mut [u8], at: usize, bytes: &[u8]) {
    // in this shape the compiler sees that both lengths are the same, and leaves out the panic
    if let Some(place) = memory.get_mut(at..).and_then(|tail| tail.get_mut(..bytes.len())) {
        copy(place, bytes);
    }
}

#[cfg(feature = "speed")]
#[inline]
const fn copy(place: &mut [u8], bytes: &[u8]) {
    place.copy_from_slice(bytes);
}

/// By words, wherever they lie. The compiler's own `memcpy` for microcontrollers takes twice as long
/// where the two are not aligned alike, as they are not behind a head. A program that has nothing
/// else for it need not have it linked.
#[cfg(not(feature = "speed"))]
#[inline(never)]
fn copy(place: &mut [u8], bytes: &[u8]) {
    // so that the compiler does not see a `memcpy` in this
    let (place, bytes) = core::hint::black_box((place, bytes));
    let (words, rest) = place.as_chunks_mut::<4>();
    let (from_words, from_rest) = bytes.as_chunks::<4>();
    words.iter_mut().zip(from_words).for_each(|(word, from)| *word = *from);
    rest.iter_mut().zip(from_rest).for_each(|(byte, from)| *byte = *from);
}

/// Moves the bytes `from..to` to the front. Does nothing if they do not lie in `memory`.
///
/// One by one: the compiler's `memmove` is 1.6 KB, and this is rare.
#[cfg(not(feature = "speed"))]
#[inline(never)]
pub(crate) fn move_to_front(memory: &mut [u8], from: usize, to: usize) {
    let part = memory.get_mut(..to).unwrap_or_default();
    let cells = core::cell::Cell::from_mut(part).as_slice_of_cells();
    let bytes = cells.get(from..).unwrap_or_default();
    cells.iter().zip(bytes).for_each(|(place, byte)| place.set(byte.get()));
}

/// Moves the bytes `from..to` to the front. Does nothing if they do not lie in `memory`.
#[cfg(feature = "speed")]
#[inline(never)]
pub(crate) fn move_to_front(memory: &mut [u8], from: usize, to: usize) {
    // as above: the compiler sees that nothing is out of range
    if let Some(part) = memory.get_mut(..to)
        && from <= part.len()
    {
        part.copy_within(from.., 0);
    }
}

/// Moves the bytes `from..to` up by `count`, as far as `memory` goes. One by one, which is rare:
/// hello is said once.
#[cfg(feature = "admission")]
pub(crate) fn move_up(memory: &mut [u8], from: usize, to: usize, count: usize) {
    for at in (from..to).rev() {
        let byte = memory.get(at).copied();
        if let Some((byte, place)) = byte.zip(memory.get_mut(at.saturating_add(count))) {
            *place = byte;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{copy_to, move_to_front};

    const BYTES: [u8; 19] = *b"abcdefghijklmnopqrs";

    #[test]
    fn bytes_go_where_they_are_to_and_nowhere_else() {
        for at in 0..5 {
            for len in 0..=BYTES.len() {
                let mut memory = [0; 20];
                copy_to(&mut memory, at, &BYTES[..len]);
                let fits = at + len <= memory.len();
                let expected: [u8; 20] = core::array::from_fn(|place| match place.checked_sub(at) {
                    Some(from) if fits && from < len => BYTES[from],
                    _ => 0,
                });
                assert_eq!(memory, expected, "{len} bytes to {at}");
            }
        }
    }

    #[test]
    fn bytes_move_to_the_front_also_where_they_overlap() {
        for from in 0..=20 {
            for to in 0..=20 {
                let mut memory = BYTES;
                move_to_front(&mut memory, from, to);
                let mut expected = BYTES;
                if from <= to && to <= BYTES.len() {
                    expected.copy_within(from..to, 0);
                }
                assert_eq!(memory, expected, "{from}..{to}");
            }
        }
    }
}
