//! Strings whose length has 1 to 4 bytes, and writers that grow.

use peote_net::value::{Counted, DecodeError, EncodeError, Reader, Writer};
use proptest::prelude::*;

/// The bytes of a length, and what is read from them.
fn check<const N: usize>(length: usize, bytes: &[u8]) {
    let mut buffer = [0; 4];
    let mut writer = Writer::new(&mut buffer);
    writer.length_within::<N>(length).unwrap();
    assert_eq!(writer.written(), bytes, "{length} in {N}");
    let mut reader = Reader::new(bytes);
    assert_eq!(reader.length_within::<N>(), Ok(length), "{bytes:x?} in {N}");
    assert_eq!(reader.finish(), Ok(()), "{bytes:x?} in {N}");
    for end in 0..bytes.len() {
        let error = Reader::new(&bytes[..end]).length_within::<N>();
        assert_eq!(error, Err(DecodeError::End { needed: 1, left: 0 }), "{bytes:x?} in {N}");
    }
}

fn too_long<const N: usize>() {
    let len = Counted::<&str, N>::MAX_LENGTH + 1;
    let mut buffer = [0; 8];
    assert_eq!(Writer::new(&mut buffer).length_within::<N>(len), Err(EncodeError::TooLong { len }));
}

#[test]
fn each_number_of_bytes_has_its_greatest_length() {
    assert_eq!(Counted::<&str, 1>::MAX_LENGTH, 255);
    assert_eq!(Counted::<&str, 2>::MAX_LENGTH, 32_767);
    assert_eq!(Counted::<&str, 3>::MAX_LENGTH, 4_194_303);
    assert_eq!(Counted::<&str, 4>::MAX_LENGTH, 536_870_911);
}

// §7.2-fewer-bytes
#[test]
fn the_last_byte_that_is_allowed_carries_eight_bits() {
    check::<1>(0, &[0]);
    check::<1>(127, &[0x7f]);
    check::<1>(128, &[0x80]);
    check::<1>(255, &[0xff]);
    check::<2>(127, &[0x7f]);
    check::<2>(128, &[0x80, 1]);
    check::<2>(16_384, &[0x80, 0x80]);
    check::<2>(32_767, &[0xff, 0xff]);
    check::<3>(16_383, &[0xff, 0x7f]);
    check::<3>(16_384, &[0x80, 0x80, 1]);
    check::<3>(2_097_152, &[0x80, 0x80, 0x80]);
    check::<3>(4_194_303, &[0xff, 0xff, 0xff]);
    check::<4>(2_097_152, &[0x80, 0x80, 0x80, 1]);
    check::<4>(536_870_911, &[0xff, 0xff, 0xff, 0xff]);
    too_long::<1>();
    too_long::<2>();
    too_long::<3>();
    too_long::<4>();
    for overlong in [&[0x80, 0][..], &[0x80, 0x80, 0], &[0x80, 0x80, 0x80, 0]] {
        assert_eq!(Reader::new(overlong).length_within::<4>(), Err(DecodeError::OverlongLength));
    }
    assert_eq!(Reader::new(&[0x80, 0]).length_within::<2>(), Err(DecodeError::OverlongLength));
    assert_eq!(Reader::new(&[0x80, 0]).length_within::<1>(), Ok(128));
}

#[test]
fn strings_of_each_type_alone_and_in_others() {
    let mut buffer = [0; 64];
    let mut writer = Writer::new(&mut buffer);
    writer.string_within::<1>("hi").unwrap();
    writer.byte_string_within::<2>(&[7; 3]).unwrap();
    writer.write(&[(1u8, Counted::<_, 1>("a"))]).unwrap();
    let bytes = writer.finish();
    assert_eq!(bytes, [2, b'h', b'i', 3, 7, 7, 7, 1, 1, 1, b'a']);
    type Read<'a> =
        (Counted<heapless::String<4>, 1>, Counted<heapless::Vec<u8, 4>, 2>, [(u8, Counted<&'a str, 1>); 1]);
    let (hi, sevens, list) = Reader::new(bytes).only::<Read<'_>>().unwrap();
    assert_eq!((hi.0.as_str(), &sevens.0[..], list), ("hi", &[7; 3][..], [(1, Counted("a"))]));
    let full = Reader::new(b"\x03abc").only::<Counted<heapless::String<2>, 1>>();
    assert_eq!(full, Err(DecodeError::Capacity { items: 3, capacity: 2 }));
    let full = Reader::new(b"\x03abc").only::<Counted<heapless::Vec<u8, 2>, 1>>();
    assert_eq!(full, Err(DecodeError::Capacity { items: 3, capacity: 2 }));
    assert_eq!(Reader::new(b"\x01\xff").only::<Counted<&str, 1>>(), Err(DecodeError::Utf8));
    assert_eq!(
        Reader::new(b"\xff").only::<Counted<&[u8], 1>>(),
        Err(DecodeError::End { needed: 255, left: 0 })
    );
}

/// Of as many bytes, as long a string.
fn same<const N: usize>(text: &str) {
    let value = Counted::<_, N>(text);
    let mut buffer = vec![0; text.len() + N];
    let mut writer = Writer::new(&mut buffer);
    match writer.write(&value) {
        Ok(()) => assert_eq!(Reader::new(writer.finish()).only(), Ok(value)),
        Err(error) => {
            assert_eq!(error, EncodeError::TooLong { len: text.len() });
            assert!(text.len() > Counted::<&str, N>::MAX_LENGTH);
        }
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(text in prop_oneof![".{0,300}", (16_000usize..34_000).prop_map(|len| "x".repeat(len))], bytes in prop::collection::vec(any::<u8>(), 0..9)) {
        same::<1>(&text);
        same::<2>(&text);
        same::<3>(&text);
        same::<4>(&text);
        prop_assert_eq!(Reader::new(&bytes).length_within::<4>(), Reader::new(&bytes).length());
        prop_assert_eq!(Reader::new(&bytes).string_within::<4>(), Reader::new(&bytes).string());
        let _ = Reader::new(&bytes).only::<(Counted<&str, 1>, Counted<&[u8], 3>)>();
    }
}

#[cfg(feature = "alloc")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A writer that grows writes what one of a fixed size writes.
    #[test]
    fn growing(values in prop::collection::vec((any::<i32>(), ".{0,40}", any::<f64>()), 0..20)) {
        let mut growing = Writer::growing();
        let mut buffer = vec![0; 10_000];
        let mut fixed = Writer::new(&mut buffer);
        for round in 0..2 {
            for (int, text, float) in &values {
                growing.i32(*int).unwrap();
                growing.string_within::<2>(text).unwrap();
                growing.write(&(text.as_str(), *float)).unwrap();
                if round == 0 {
                    fixed.i32(*int).unwrap();
                    fixed.string_within::<2>(text).unwrap();
                    fixed.write(&(text.as_str(), *float)).unwrap();
                }
            }
            prop_assert_eq!(growing.written(), fixed.written());
            if round == 0 {
                growing.clear();
                prop_assert!(growing.written().is_empty());
            }
        }
        let written: &[u8] = fixed.finish();
        prop_assert_eq!(growing.finish(), written);
    }
}

/// What cannot be written leaves a growing writer as it was, too.
#[cfg(feature = "alloc")]
#[test]
fn a_growing_writer_has_errors_of_values_only() {
    let mut writer = Writer::growing();
    writer.u8(1).unwrap();
    let long = "x".repeat(256);
    assert_eq!(writer.string_within::<1>(&long), Err(EncodeError::TooLong { len: 256 }));
    assert_eq!(writer.u24(1 << 24), Err(EncodeError::OutOfRange));
    assert_eq!(writer.written(), [1]);
}
