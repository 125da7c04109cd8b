//! Bytes of each type, as `docs/PROTOCOL.md`, section 7, has them.

use peote_net::value::{
    BigEndian, Counted, DecodeError, Encode, EncodeError, Form, I24, List, MAX_LENGTH, Map, Reader, U24,
    Writer,
};

fn encoded<T: Encode>(value: &T) -> Vec<u8> {
    let mut buffer = [0; 600];
    let mut writer = Writer::new(&mut buffer);
    writer.write(value).unwrap();
    assert_eq!(writer.written().len(), value.encoded_len().unwrap(), "the length that was announced");
    writer.finish().to_vec()
}

// §7.1-plain
#[test]
fn plain_values_are_little_endian() {
    assert_eq!(encoded(&true), [1]);
    assert_eq!(encoded(&200u8), [200]);
    assert_eq!(encoded(&-1i8), [0xff]);
    assert_eq!(encoded(&0x0102u16), [2, 1]);
    assert_eq!(encoded(&-32768i16), [0, 0x80]);
    assert_eq!(encoded(&U24::new(0x01_0203).unwrap()), [3, 2, 1]);
    assert_eq!(encoded(&I24::new(-2).unwrap()), [0xfe, 0xff, 0xff]);
    assert_eq!(encoded(&-5i32), [0xfb, 0xff, 0xff, 0xff]);
    assert_eq!(encoded(&1.5f32), [0, 0, 0xc0, 0x3f]);
    assert_eq!(encoded(&-0.1f64), [0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0xbf]);
    assert_eq!(encoded(&0x0102_0304_0506_0708u64), [8, 7, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn numbers_are_big_endian_where_asked_for() {
    assert_eq!(encoded(&BigEndian(0x0102u16)), [1, 2]);
    assert_eq!(encoded(&BigEndian(-5i32)), [0xff, 0xff, 0xff, 0xfb]);
    assert_eq!(encoded(&BigEndian(I24::MIN)), [0x80, 0, 0]);
    assert_eq!(encoded(&BigEndian(1.5f32)), [0x3f, 0xc0, 0, 0]);
    let mut buffer = [0; 40];
    let mut writer = Writer::new(&mut buffer);
    writer.u16_be(0x0102).unwrap();
    writer.i24_be(-2).unwrap();
    writer.u24_be(1).unwrap();
    writer.i32_be(-5).unwrap();
    writer.u64_be(1).unwrap();
    writer.f64_be(-0.1).unwrap();
    let bytes = writer.finish().to_vec();
    assert_eq!(bytes[..12], [1, 2, 0xff, 0xff, 0xfe, 0, 0, 1, 0xff, 0xff, 0xff, 0xfb]);
    let mut reader = Reader::new(&bytes);
    assert_eq!(reader.u16_be(), Ok(0x0102));
    assert_eq!(reader.i24_be(), Ok(-2));
    assert_eq!(reader.u24_be(), Ok(1));
    assert_eq!(reader.i32_be(), Ok(-5));
    assert_eq!(reader.u64_be(), Ok(1));
    assert_eq!(reader.f64_be(), Ok(-0.1));
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn numbers_of_24_bits_have_their_range() {
    let mut buffer = [0; 3];
    let mut writer = Writer::new(&mut buffer);
    assert_eq!(writer.u24(0x100_0000), Err(EncodeError::OutOfRange));
    assert_eq!(writer.i24(-0x80_0001), Err(EncodeError::OutOfRange));
    assert_eq!(writer.i24(-0x80_0000), Ok(()));
    assert_eq!(Reader::new(writer.finish()).i24(), Ok(-0x80_0000));
    assert_eq!((U24::new(0x100_0000), I24::new(0x80_0000)), (None, None));
}

#[test]
fn any_byte_but_0_is_true() {
    assert_eq!([0, 1, 2, 255].map(|byte| Reader::new(&[byte]).bool().unwrap()), [false, true, true, true]);
}

// §7.2-length
#[test]
fn lengths_take_one_to_four_bytes_and_the_fourth_carries_eight_bits() {
    for (length, bytes) in [
        (0, &[0][..]),
        (127, &[0x7f]),
        (128, &[0x80, 1]),
        (16_383, &[0xff, 0x7f]),
        (16_384, &[0x80, 0x80, 1]),
        (2_097_151, &[0xff, 0xff, 0x7f]),
        (2_097_152, &[0x80, 0x80, 0x80, 1]),
        (268_435_456, &[0x80, 0x80, 0x80, 0x80]),
        (MAX_LENGTH, &[0xff, 0xff, 0xff, 0xff]),
    ] {
        let mut buffer = [0; 4];
        let mut writer = Writer::new(&mut buffer);
        writer.length(length).unwrap();
        assert_eq!(writer.written(), bytes, "{length}");
        let mut reader = Reader::new(bytes);
        assert_eq!(reader.length(), Ok(length));
        assert_eq!(reader.finish(), Ok(()));
    }
    let mut buffer = [0; 8];
    let too_long = EncodeError::TooLong { len: MAX_LENGTH + 1 };
    assert_eq!(Writer::new(&mut buffer).length(MAX_LENGTH + 1), Err(too_long));
}

// §7.2-overlong
#[test]
fn lengths_that_are_longer_than_they_have_to_be_are_refused() {
    for bytes in [&[0x80, 0][..], &[0x85, 0], &[0x80, 0x80, 0], &[0x80, 0x80, 0x80, 0]] {
        assert_eq!(Reader::new(bytes).length(), Err(DecodeError::OverlongLength), "{bytes:?}");
    }
    for bytes in [&[][..], &[0x80], &[0x80, 0x80], &[0x80, 0x80, 0x80]] {
        assert_eq!(Reader::new(bytes).length(), Err(DecodeError::End { needed: 1, left: 0 }), "{bytes:?}");
    }
}

// §7.2-sequences
#[test]
fn collections_are_a_length_and_their_items() {
    assert_eq!(encoded(&"hi ✓"), b"\x06hi \xe2\x9c\x93");
    assert_eq!(encoded(&&[0u8, 0xff, 0x80][..]), [3, 0, 0xff, 0x80]);
    assert_eq!(encoded(&[true, false]), [2, 1, 0]);
    let rows: [&[i32]; 3] = [&[1, 2], &[], &[65535]];
    assert_eq!(encoded(&rows), [3, 2, 1, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0xff, 0xff, 0, 0]);
    assert_eq!(encoded(&Map::from(&[("k", 7i32)])), [1, 1, b'k', 7, 0, 0, 0]);
    assert_eq!(
        encoded(&Map::from(&[("x", List::from(&[1i32, 2]))])),
        [1, 1, b'x', 2, 1, 0, 0, 0, 2, 0, 0, 0]
    );
    assert_eq!(encoded(&(1u8, "a", [2u16])), [1, 1, b'a', 1, 2, 0]);
    assert_eq!(encoded(&Some(3u8)), [1, 3]);
    assert_eq!(encoded(&None::<u8>), [0]);
    assert_eq!(encoded(&Ok::<u8, &str>(3)), [1, 3]);
    assert_eq!(encoded(&Err::<u8, &str>("no")), [0, 2, b'n', b'o']);
    let mut map = heapless::LinearMap::<u8, &str, 4>::new();
    map.insert(9, "nine").unwrap();
    assert_eq!(encoded(&map), b"\x01\x09\x04nine");
}

#[test]
fn a_list_that_was_received_can_be_sent_on() {
    let bytes = [2, 1, b'a', 2, b'b', b'c'];
    let list: List<'_, &str> = Reader::new(&bytes).only().unwrap();
    assert_eq!(encoded(&list), bytes);
    assert_eq!(list, List::from(&["a", "bc"]));
    assert_eq!(Clone::clone(&list), list);
    for other in [&["a"][..], &["a", "bd"], &["a", "bc", ""], &[]] {
        assert_ne!(list, List::from(other));
    }
    let kept: heapless::Vec<&str, 4> = ["a", "bc"].into_iter().collect();
    assert_eq!(encoded(&List::from(&kept)), bytes);
    let map: Map<'_, u8, &str> = Reader::new(b"\x01\x09\x04nine").only().unwrap();
    assert_eq!((map.len(), map.is_empty()), (1, false));
    let nothing: Map<'_, u8, &str> = Reader::new(&[0]).only().unwrap();
    assert_eq!((nothing.len(), nothing.is_empty()), (0, true));
    assert_eq!(encoded(&map), b"\x01\x09\x04nine");
    assert_eq!(encoded(&Clone::clone(&map)), b"\x01\x09\x04nine");
    assert_eq!(format!("{list:?}"), r#"["a", "bc"]"#);
    assert_eq!(format!("{:?}", list.iter()), "ListIter { left: 2, .. }");
    assert_eq!(format!("{:?}", List::from(&[1u8]).iter()), "ListIter { left: 1, .. }");
}

#[test]
fn a_value_that_does_not_fit_leaves_the_buffer_as_it_was() {
    let mut buffer = [9; 4];
    let mut writer = Writer::new(&mut buffer);
    writer.u8(1).unwrap();
    assert_eq!(writer.write(&[1u16, 2]), Err(EncodeError::Full { needed: 5, free: 3 }));
    assert_eq!(writer.written(), [1]);
    assert_eq!(writer.free(), 3);
    assert_eq!(writer.finish().len(), 1);
    assert_eq!(buffer, [1, 9, 9, 9]);
}

#[test]
fn a_byte_string_is_a_list_of_bytes() {
    let mut buffer = [0; 8];
    let mut writer = Writer::new(&mut buffer);
    writer.byte_string(&[7; 3]).unwrap();
    assert_eq!(writer.finish(), [3, 7, 7, 7]);
}

#[test]
fn methods_write_what_values_of_their_names_are() {
    let mut buffer = [0; 64];
    let mut writer = Writer::new(&mut buffer);
    writer.bool(true).unwrap();
    writer.bool(false).unwrap();
    writer.u8(0xfe).unwrap();
    writer.i8(-2).unwrap();
    writer.u24(0x01_02_03).unwrap();
    writer.i24(-2).unwrap();
    writer.u24_be(0x01_02_03).unwrap();
    writer.i24_be(-2).unwrap();
    writer.bytes(b"raw").unwrap();
    writer.string("text").unwrap();
    writer.string_within::<1>("one").unwrap();
    writer.byte_string_within::<1>(&[7; 3]).unwrap();
    writer.write(&()).unwrap();
    let expected =
        b"\x01\x00\xfe\xfe\x03\x02\x01\xfe\xff\xff\x01\x02\x03\xff\xff\xferaw\x04text\x03one\x03\x07\x07\x07";
    assert_eq!(writer.finish(), expected);
    assert_eq!((encoded(&()), <()>::MOST), (vec![], 0));
    assert_eq!(encoded(&((), 9u8)), [9]);
    let mut reader = Reader::new(expected);
    assert_eq!(
        (reader.bool(), reader.bool(), reader.u8(), reader.i8()),
        (Ok(true), Ok(false), Ok(0xfe), Ok(-2))
    );
    assert_eq!((reader.u24(), reader.i24()), (Ok(0x01_02_03), Ok(-2)));
    assert_eq!((reader.u24_be(), reader.i24_be()), (Ok(0x01_02_03), Ok(-2)));
    assert_eq!((reader.array(), reader.string()), (Ok(*b"raw"), Ok("text")));
    assert_eq!(reader.string_within::<1>(), Ok("one"));
    assert_eq!(reader.byte_string_within::<1>(), Ok(&[7; 3][..]));
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn a_type_knows_the_most_bytes_that_it_takes() {
    assert_eq!(heapless::Vec::<u16, 127>::MOST, 1 + 254);
    assert_eq!(heapless::Vec::<u16, 128>::MOST, 2 + 256);
    assert_eq!(heapless::Vec::<u8, 16_383>::MOST, 2 + 16_383);
    assert_eq!(heapless::Vec::<u32, 16_384>::MOST, 3 + 65_536);
    assert_eq!(heapless::Vec::<u16, 0x20_0000>::MOST, 4 + 0x40_0000);
    // the longer one of both, and which it is
    assert_eq!([Result::<u16, u8>::MOST, Result::<u8, u16>::MOST, Result::<u8, u8>::MOST], [3, 3, 2]);
}

#[test]
fn forms_have_numbers_of_their_own() {
    let mut numbers = [
        u8::FORM,
        u16::FORM,
        <&str>::FORM,
        <(u8, u16)>::FORM,
        List::<'_, u8>::FORM,
        Counted::<&str, 1>::FORM,
        Counted::<&str, 2>::FORM,
        Counted::<&str, 3>::FORM,
        Counted::<&str, 4>::FORM,
    ]
    .map(Form::number);
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]), "{numbers:x?}");
}

// What FNV-1a with 32 bits, by other code, makes of these names.
#[test]
fn forms_are_the_hashes_of_their_names() {
    assert_eq!(Form::OWN.number(), 0xa515_afbf);
    assert_eq!(u8::FORM.number(), 0x0b42_b2f8);
    assert_eq!(<&str>::FORM.number(), 0x17c1_6538);
    assert_eq!(Counted::<&str, 1>::FORM.number(), 0xe0bf_064b);
    assert_eq!(Counted::<&str, 4>::FORM.number(), 0xe3bf_0b04);
    assert_eq!(List::<'_, u8>::FORM.number(), 0x0ee9_a780);
    assert_eq!(Map::<'_, u8, i16>::FORM.number(), 0x3f9d_bb9f);
    assert_eq!(Option::<u8>::FORM.number(), 0x5dcd_4711);
    assert_eq!(Result::<u8, &str>::FORM.number(), 0xf32e_da62);
}
