//! The tables with which the chat's page looks at names (`browser/chat-names-data.js`) are made of
//! those of the crates that the terminal's chat uses, so that both refuse the same names and take
//! the same ones for each other.

use std::fmt::Write as _;
use std::path::Path;

use peote_net_examples::chat::{is_mark, is_unseen};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::canonical_combining_class;
use unicode_security::skeleton;

/// The digits of numbers: 32 values, and the same with more to come.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Characters to a line.
const COLUMNS: usize = 100;
/// What all of it may take.
const MAX_BYTES: usize = 80_000;

/// Every code point; `None` for halves of surrogate pairs.
fn all() -> impl Iterator<Item = (u32, Option<char>)> {
    (0..=0x0010_ffff).map(|code| (code, char::from_u32(code)))
}

/// Small numbers first: five bits to a digit, the lowest first.
fn number(text: &mut String, mut value: u32) {
    while value >= 32 {
        text.push(char::from(DIGITS[value as usize % 32 + 32]));
        value /= 32;
    }
    text.push(char::from(DIGITS[value as usize]));
}

/// Runs of code points with the same value other than 0: how many lie between, how many have it,
/// and the value unless it is always 1.
fn runs(value_of: impl Fn(Option<char>) -> u32, with_values: bool) -> String {
    let (mut text, mut end, mut run) = (String::new(), 0, (0, 0));
    let mut put = |(start, value): (u32, u32), now: u32| {
        if value != 0 {
            number(&mut text, start - end);
            number(&mut text, now - start);
            if with_values {
                number(&mut text, value);
            }
            end = now;
        }
    };
    for (code, c) in all() {
        let value = value_of(c);
        if value != run.1 {
            put(run, code);
            run = (code, value);
        }
    }
    put(run, 0x0011_0000);
    text
}

/// Code points that are replaced: how far it is from the last one, how many take its place, and
/// each of them as the difference to the one before, zigzag.
fn replacements(of: impl Fn(char) -> Vec<char>) -> String {
    let (mut text, mut last) = (String::new(), 0);
    for (code, c) in all().filter_map(|(code, c)| Some((code, c?))) {
        let by = of(c);
        if by == [c] {
            continue;
        }
        number(&mut text, code - last);
        number(&mut text, u32::try_from(by.len()).unwrap());
        let mut before = code;
        for each in by.into_iter().map(u32::from) {
            let difference = i64::from(each) - i64::from(before);
            number(&mut text, u32::try_from((difference << 1) ^ (difference >> 63)).unwrap());
            before = each;
        }
        last = code;
    }
    text
}

fn decomposed(c: char) -> Vec<char> {
    // Hangul is computed.
    if ('\u{ac00}'..='\u{d7a3}').contains(&c) { vec![c] } else { c.nfd().collect() }
}

/// What stands for a character that stays when it is decomposed, and that can be in a name.
fn prototype(c: char) -> Vec<char> {
    if is_unseen(c) || c.nfd().ne([c]) { vec![c] } else { skeleton(c.encode_utf8(&mut [0; 4])).collect() }
}

fn module() -> String {
    let (major, minor, update) = unicode_security::UNICODE_VERSION;
    let mut text = format!(
        "// @ts-check\n\
         // SPDX-License-Identifier: (MIT OR Apache-2.0) AND Unicode-3.0\n\
         // Made by examples/tests/name_tables.rs of the data of Unicode {major}.{minor}.{update}; not to be edited.\n\
         // chat-names.js reads it, and says what the tables are for.\n"
    );
    for (name, table) in [
        ("UNSEEN", runs(|c| c.is_none_or(is_unseen).into(), false)),
        ("MARKS", runs(|c| c.is_some_and(is_mark).into(), false)),
        ("CLASSES", runs(|c| c.map_or(0, canonical_combining_class).into(), true)),
        ("DECOMPOSED", replacements(decomposed)),
        ("PROTOTYPES", replacements(prototype)),
    ] {
        let _ = write!(text, "\nexport const {name} = `");
        for line in table.as_bytes().chunks(COLUMNS) {
            let _ = write!(text, "\n{}", str::from_utf8(line).unwrap());
        }
        text.push_str("`;\n");
    }
    text
}

#[test]
fn the_tables_of_the_page_are_those_of_the_terminal() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/chat-names-data.js");
    let wanted = module();
    assert!(wanted.len() <= MAX_BYTES, "{} bytes", wanted.len());
    if std::env::var_os("PEOTE_UPDATE").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        there == wanted,
        "the tables of the crates are others than those of {}: PEOTE_UPDATE=1 cargo test -p peote-net-examples \
         --test name_tables writes it anew",
        file.display()
    );
}
