//! Bytes that no honest peer sends.

use std::time::{Duration, Instant};

use peote_net::value::{Decode, DecodeError, EncodeError, List, Map, Reader};
use proptest::prelude::*;

use crate::limit::TimeLimit;

fn read<'a, T: Decode<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    Reader::new(bytes).only()
}

#[test]
fn a_length_that_cannot_be_true_is_refused_before_the_first_item() {
    let huge = [0xff, 0xff, 0xff, 0xff, 1, 2, 3];
    let start = Instant::now();
    for _ in 0..1000 {
        assert_eq!(read::<List<'_, u8>>(&huge), Err(DecodeError::End { needed: 536_870_911, left: 3 }));
        assert_eq!(read::<List<'_, i32>>(&huge), Err(DecodeError::End { needed: 2_147_483_644, left: 3 }));
        assert!(read::<List<'_, List<'_, u8>>>(&huge).is_err());
        assert!(read::<Map<'_, u8, u8>>(&huge).is_err());
        assert!(read::<&str>(&huge).is_err());
        assert!(read::<heapless::Vec<u8, 8>>(&huge).is_err());
        assert!(read::<heapless::LinearMap<u8, u8, 8>>(&huge).is_err());
        assert!(read::<[u64; 1000]>(&huge).is_err());
    }
    assert!(start.elapsed() < Duration::from_secs(5), "refusing takes no time");
}

/// A type whose values take no bytes, which [`Decode`] advises against.
#[derive(Clone, Debug, PartialEq)]
struct Nothing;

impl<'a> Decode<'a> for Nothing {
    const MIN_LEN: usize = 0;
    fn decode(_: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

#[test]
fn a_list_of_values_without_bytes_does_not_loop() {
    assert!(read::<List<'_, Nothing>>(&[0xff, 0xff, 0xff, 0xff]).is_err());
    assert!(read::<List<'_, Nothing>>(&[2, 0, 0]).is_err());
}

#[test]
fn what_a_collection_cannot_hold_is_an_error() {
    let three = [3, 1, 2, 3];
    assert_eq!(read::<heapless::Vec<u8, 2>>(&three), Err(DecodeError::Capacity { items: 3, capacity: 2 }));
    assert_eq!(read::<heapless::String<2>>(b"\x03abc"), Err(DecodeError::Capacity { items: 3, capacity: 2 }));
    assert_eq!(
        read::<heapless::LinearMap<u8, u8, 1>>(&[2, 1, 1, 2, 2]),
        Err(DecodeError::Capacity { items: 2, capacity: 1 })
    );
    assert_eq!(read::<[u8; 2]>(&three), Err(DecodeError::ArrayLength { items: 3, expected: 2 }));
    assert_eq!(read::<[u8; 3]>(&three), Ok([1, 2, 3]));
    assert_eq!(read::<[u8; 0]>(&[0]), Ok([]));
}

#[test]
fn a_key_that_comes_twice_has_its_last_value() {
    let bytes = [2, 1, 10, 1, 20];
    assert_eq!(read::<Map<'_, u8, u8>>(&bytes).unwrap().get(&1), Some(20));
    let map = read::<heapless::LinearMap<u8, u8, 2>>(&bytes).unwrap();
    assert_eq!((map.len(), map.get(&1)), (1, Some(&20)));
}

#[test]
fn strings_have_to_be_utf8() {
    assert_eq!(read::<&str>(&[2, 0xc3, 0x28]), Err(DecodeError::Utf8));
    assert_eq!(read::<List<'_, &str>>(&[1, 1, 0xff]), Err(DecodeError::Utf8));
    assert_eq!(read::<heapless::String<8>>(&[1, 0xff]), Err(DecodeError::Utf8));
}

/// Numbers and short texts.
#[test]
fn errors_say_what_is_wrong_and_how_much() {
    for (error, text) in [
        (DecodeError::End { needed: 4, left: 3 }, "the bytes end too early: 4 are needed, 3 are left"),
        (DecodeError::OverlongLength, "a length code is longer than it has to be"),
        (DecodeError::Utf8, "a string is not UTF-8"),
        (DecodeError::Capacity { items: 9, capacity: 8 }, "there are 9 items, and room for 8"),
        (DecodeError::ArrayLength { items: 9, expected: 8 }, "there are 9 items for an array of 8"),
        (DecodeError::LeftOver { bytes: 2 }, "2 bytes are left behind the last value"),
        (DecodeError::UnknownVariant { number: 3 }, "there is no variant of number 3"),
        (DecodeError::Inner("no object"), "no object"),
    ] {
        assert_eq!(error.to_string(), text);
    }
    for (error, text) in [
        (EncodeError::Full { needed: 4, free: 3 }, "4 bytes do not fit into 3"),
        (EncodeError::TooLong { len: 256 }, "a length of 256 cannot be coded"),
        (EncodeError::OutOfRange, "the number does not fit into 24 bits"),
        (EncodeError::Inner("no object"), "no object"),
    ] {
        assert_eq!(error.to_string(), text);
    }
}

fn items() -> impl Strategy<Value = Vec<(u8, String)>> {
    proptest::collection::vec((any::<u8>(), "[a-zü]{0,5}"), 0..30)
}

proptest! {
    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _limit = TimeLimit::default();
        fn all<'a, T: Decode<'a>>(bytes: &'a [u8]) {
            let mut reader = Reader::new(bytes);
            let result = reader.read::<T>();
            assert!(reader.remaining().len() <= bytes.len());
            if result.is_ok() {
                assert!(bytes.len() - reader.remaining().len() >= 1, "every value takes bytes");
            }
        }
        all::<(bool, u8, i16, f32, f64)>(&bytes);
        all::<&str>(&bytes);
        all::<&[u8]>(&bytes);
        all::<List<'_, Map<'_, &str, List<'_, Option<i32>>>>>(&bytes);
        all::<heapless::Vec<heapless::String<16>, 8>>(&bytes);
        all::<heapless::LinearMap<u8, [u16; 3], 8>>(&bytes);
        all::<([Option<u8>; 4], List<'_, (i8, u64)>)>(&bytes);
    }

    /// What a list says it has is what iterating finds, and what was put into it.
    #[test]
    fn a_list_has_as_many_items_as_it_was_made_of(items in items(), change in any::<(usize, u8)>()) {
        let _limit = TimeLimit::default();
        let slices: Vec<(u8, &str)> = items.iter().map(|(number, text)| (*number, text.as_str())).collect();
        let from = List::from(slices.as_slice());
        prop_assert_eq!((from.len(), from.iter().count(), from.is_empty()), (items.len(), items.len(), items.is_empty()));
        let mut bytes = vec![u8::try_from(items.len()).unwrap()];
        for (number, text) in &items {
            bytes.extend([*number, u8::try_from(text.len()).unwrap()]);
            bytes.extend(text.as_bytes());
        }
        let list: List<'_, (u8, &str)> = Reader::new(&bytes).only().unwrap();
        prop_assert_eq!((list.len(), list.iter().len(), list.iter().count()), (items.len(), items.len(), items.len()));
        prop_assert!(list.iter().eq(slices.iter().copied()));
        // with one byte changed it has other items or is none
        let at = change.0 % bytes.len();
        bytes[at] = change.1;
        if let Ok(list) = Reader::new(&bytes).read::<List<'_, (u8, &str)>>() {
            prop_assert_eq!(list.iter().count(), list.len());
            prop_assert_eq!(list.len(), usize::from(bytes[0]));
        }
    }

    #[test]
    fn a_list_that_was_checked_has_all_its_items(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _limit = TimeLimit::default();
        if let Ok(list) = Reader::new(&bytes).read::<List<'_, (u8, &str)>>() {
            prop_assert_eq!(list.iter().count(), list.len());
        }
        if let Ok(map) = Reader::new(&bytes).read::<Map<'_, &[u8], List<'_, bool>>>() {
            prop_assert_eq!(map.iter().map(|(_, bools)| bools.iter().count() - bools.len()).sum::<usize>(), 0);
            prop_assert_eq!(map.iter().len(), map.len());
        }
    }
}
