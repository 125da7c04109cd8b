//! Any value is read as what was written.

use std::fmt::Debug;

use peote_net::value::{BigEndian, Decode, Encode, I24, List, Map, Reader, U24, Writer};
use proptest::prelude::*;

use crate::limit::TimeLimit;

/// Writes a value, and reads it back with `check`.
fn round<T: Encode>(value: &T, check: impl FnOnce(Reader<'_>)) {
    let _limit = TimeLimit::default();
    let mut buffer = vec![0; value.encoded_len().unwrap()];
    let mut writer = Writer::new(&mut buffer);
    writer.write(value).unwrap();
    assert_eq!(writer.free(), 0, "as many bytes as announced");
    check(Reader::new(&buffer));
}

fn same<T: Encode + for<'a> Decode<'a> + PartialEq + Debug>(value: &T) {
    round(value, |reader| assert_eq!(reader.only::<T>().as_ref(), Ok(value)));
}

proptest! {
    #[test]
    fn numbers(
        a in any::<(bool, u8, i8, u16, i16)>(),
        b in any::<(i32, u32, i64, u64)>(),
        c in any::<(f32, f64)>(),
        d in (0u32..1 << 24, -(1i32 << 23)..1 << 23),
    ) {
        same(&a);
        same(&b);
        same(&c);
        same(&(BigEndian(a.3), BigEndian(a.4), BigEndian(b.0), BigEndian(b.1), BigEndian(b.2), BigEndian(b.3)));
        same(&(BigEndian(c.0), BigEndian(c.1)));
        let (unsigned, signed) = (U24::new(d.0).unwrap(), I24::new(d.1).unwrap());
        same(&(unsigned, signed, BigEndian(unsigned), BigEndian(signed)));
        prop_assert_eq!((unsigned.get(), signed.get()), d);
    }

    #[test]
    fn the_methods_and_the_types_agree(a in any::<(u8, i8, u16, i16, u32, i32)>(), b in any::<(u64, i64, f32, f64)>()) {
        let mut buffer = [0; 64];
        let mut writer = Writer::new(&mut buffer);
        writer.u8(a.0).unwrap();
        writer.i8(a.1).unwrap();
        writer.u16(a.2).unwrap();
        writer.i16(a.3).unwrap();
        writer.u32(a.4).unwrap();
        writer.i32(a.5).unwrap();
        writer.u64(b.0).unwrap();
        writer.i64(b.1).unwrap();
        writer.f32(b.2).unwrap();
        writer.f64(b.3).unwrap();
        prop_assert_eq!(Reader::new(writer.finish()).only(), Ok((a, b)));
    }

    #[test]
    fn strings(text in ".{0,300}", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        round(&(text.as_str(), bytes.as_slice()), |reader| {
            assert_eq!(reader.only(), Ok((text.as_str(), bytes.as_slice())));
        });
        if let Ok(owned) = heapless::String::<400>::try_from(text.as_str()) {
            same(&owned);
        }
    }

    #[test]
    fn nested_lists(rows in proptest::collection::vec(proptest::collection::vec(any::<(i16, Option<u8>)>(), 0..20), 0..200)) {
        let lists: Vec<List<'_, (i16, Option<u8>)>> = rows.iter().map(|row| List::from(row.as_slice())).collect();
        round(&lists.as_slice(), |reader| {
            let read: List<'_, List<'_, (i16, Option<u8>)>> = reader.only().unwrap();
            assert!(read.len() == rows.len() && read.iter().zip(&rows).all(|(read, row)| read.len() == row.len()));
            let read: Vec<Vec<_>> = read.iter().map(|row| row.iter().collect()).collect();
            assert_eq!(read, rows);
        });
    }

    #[test]
    fn maps(entries in proptest::collection::btree_map("[a-z]{0,9}", any::<[u16; 3]>(), 0..40)) {
        let slice: Vec<(&str, [u16; 3])> = entries.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        round(&Map::from(slice.as_slice()), |reader| {
            let read: Map<'_, &str, [u16; 3]> = reader.only().unwrap();
            assert_eq!(read.iter().collect::<Vec<_>>(), slice);
            for (key, value) in &slice {
                assert_eq!(read.get(key), Some(*value));
            }
        });
        let mut owned = heapless::LinearMap::<heapless::String<9>, [u16; 3], 40>::new();
        for (key, value) in &slice {
            owned.insert(heapless::String::try_from(*key).unwrap(), *value).unwrap();
        }
        same(&owned);
    }

    #[test]
    fn owned_lists(items in proptest::collection::vec(any::<i32>(), 0..64)) {
        same(&heapless::Vec::<i32, 64>::from_slice(&items).unwrap());
    }
}
