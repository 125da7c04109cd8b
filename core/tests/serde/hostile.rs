//! Content that no honest peer sends.

use std::time::{Duration, Instant};

use peote_net::value::haxe::Haxe;
use peote_net::value::messagepack::MessagePack;
use proptest::prelude::*;
use serde::de::IgnoredAny;

use crate::values::{Everything, Shape, read};

/// Reads it as everything that is there.
fn all(content: &[u8]) {
    let _ = read::<Haxe<Everything>>(content);
    let _ = read::<Haxe<Vec<Option<Shape>>, 16>>(content);
    let _ = read::<MessagePack<Everything>>(content);
    let _ = read::<MessagePack<Vec<Option<Shape>>>>(content);
    if let Ok(Haxe(IgnoredAny)) = read::<Haxe<IgnoredAny>>(content) {}
    if let Ok(MessagePack(IgnoredAny)) = read::<MessagePack<IgnoredAny>>(content) {}
}

/// In a thread with the stack of a small device, and within a time.
fn quickly(content: Vec<u8>) {
    let start = Instant::now();
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(move || all(&content));
    thread.unwrap().join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn neither_depth_nor_repetition_is_without_bound() {
    quickly(b"a".repeat(32_000));
    quickly(b"oy1:x".repeat(6_000));
    quickly(b"wy1:Ey1:C:1".repeat(3_000));
    quickly(vec![0x91; 32_000]);
    quickly([&b"a"[..], &b"u2147483647".repeat(3_000)].concat());
    quickly([&b"a"[..], &b"u60000".repeat(5_000), b"h"].concat());
    let long = format!("ay16000:{}{}h", "x".repeat(16_000), "R0".repeat(8_000));
    quickly(long.into_bytes());
    quickly(b"\xdf\xff\xff\xff\xff".repeat(100));
}

proptest! {
    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        all(&bytes);
    }

    #[test]
    fn any_text_of_the_right_letters(text in "[naluhobqgijkmpdtfzswyRr:%+0-9a-c]{0,60}") {
        all(text.as_bytes());
    }
}
