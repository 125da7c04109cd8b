//! The example of docs/SERIAL.md, byte by byte.

mod common;

use std::fmt::Write as _;

use common::{End, end, read, write};
use peote_net::time::Instant;

const DOCUMENT: &str = include_str!("../../../docs/SERIAL.md");

/// What an end has to send, which the other one gets.
fn send(from: &mut End, to: &mut End, name: &str, lines: &mut String) {
    let mut bytes = Vec::new();
    while let Some(byte) = from.transmit(Instant::ZERO) {
        bytes.push(byte);
        to.receive(byte, Instant::ZERO);
    }
    for frame in bytes.split_inclusive(|&byte| byte == 0).filter(|frame| *frame != [0]) {
        let hex: Vec<_> = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(lines, "{name:<9} 00 {}", hex.join(" ")).unwrap();
    }
}

#[test]
fn the_document_shows_what_is_sent() {
    let (mut caller, mut answerer) = (end(0x0300), end(0x8000));
    let mut lines = String::new();
    caller.call();
    answerer.listen();
    send(&mut caller, &mut answerer, "caller", &mut lines); // hello
    send(&mut answerer, &mut caller, "answerer", &mut lines); // welcome
    send(&mut caller, &mut answerer, "caller", &mut lines); // data without payload
    send(&mut answerer, &mut caller, "answerer", &mut lines); // open
    write(&mut caller, b"\x00\x01\x01\x01a");
    send(&mut caller, &mut answerer, "caller", &mut lines); // data
    let mut got = Vec::new();
    read(&mut answerer, &mut got, 100);
    assert_eq!(got, b"\x00\x01\x01\x01a");
    write(&mut answerer, b"\x00\x03\x01\x00\x00");
    send(&mut answerer, &mut caller, "answerer", &mut lines); // data, which acknowledges too
    send(&mut caller, &mut answerer, "caller", &mut lines); // open
    answerer.close();
    send(&mut answerer, &mut caller, "answerer", &mut lines); // reset
    assert!(caller.is_over());

    let shown = DOCUMENT.split("<!-- checked by boards/serial/tests/bytes.rs -->").nth(1).unwrap();
    let shown = shown.split("```").nth(1).unwrap().trim_start_matches("text\n");
    // what stands behind the last three blanks is a remark
    let shown: Vec<_> = shown.lines().map(|line| line.rsplit_once("   ").unwrap().0).collect();
    assert_eq!(shown, lines.lines().collect::<Vec<_>>());
}
