//! Any bytes on a serial line, and frames that are whole and say what they like.
//!
//! What is read was sent, in order, within one connection; what is sent are whole frames, with the
//! bytes that were written.

use std::collections::HashMap;

use embedded_io::{Read as _, ReadReady as _, Write as _, WriteReady as _};
use peote_net::time::{Duration, Instant};
use peote_net_serial::SerialLine;

use super::Input;

const HELLO: u8 = 1;
const WELCOME: u8 = 2;
const RESET: u8 = 4;
const OPEN: u8 = 8;
const ASK: u8 = 16;
const AGAIN: u8 = 32;

type Line = SerialLine<64, 64>;

/// A frame, decoded by other code than the package's.
struct Frame {
    kind: u8,
    offset: u16,
    ack: u16,
    free: u16,
    payload: Vec<u8>,
}

fn crc(bytes: &[u8]) -> u32 {
    let mut table = [0_u32; 256];
    for (number, entry) in (0..).zip(&mut table) {
        *entry = (0..8).fold(number, |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 });
    }
    !bytes.iter().fold(!0, |crc, byte| table[((crc ^ u32::from(*byte)) & 255) as usize] ^ (crc >> 8))
}

fn encode(frame: &Frame) -> Vec<u8> {
    let mut content = vec![frame.kind];
    for number in [frame.offset, frame.ack, frame.free] {
        content.extend(number.to_le_bytes());
    }
    content.extend(&frame.payload);
    content.extend(crc(&content).to_le_bytes());
    let mut coded = vec![0];
    for block in content.split(|byte| *byte == 0) {
        coded.push(u8::try_from(block.len() + 1).expect("blocks are short"));
        coded.extend(block);
    }
    coded.push(0);
    coded
}

fn decode(coded: &[u8]) -> Frame {
    let mut content = Vec::new();
    let mut rest = coded;
    while let [code, after @ ..] = rest {
        let (block, after) = after.split_at(usize::from(*code) - 1);
        content.extend(block);
        rest = after;
        if !rest.is_empty() {
            content.push(0);
        }
    }
    let (said, check) = content.split_at(content.len() - 4);
    assert_eq!(crc(said).to_le_bytes(), check, "the check of a frame that is sent");
    let number = |at: usize| u16::from_le_bytes([said[at], said[at + 1]]);
    Frame { kind: said[0], offset: number(1), ack: number(3), free: number(5), payload: said[7..].to_vec() }
}

/// What is known of an end from outside.
struct Model {
    line: Line,
    now: Instant,
    /// Bytes that have been written, and those that may be read, by offset.
    written: HashMap<u16, u8>,
    came: HashMap<u16, Vec<u8>>,
    first: u16,
    write_at: u16,
    /// The offset of the next byte to be read, once there is a connection.
    read_at: Option<u16>,
    sent: Vec<u8>,
    is_listening: bool,
    /// The last frame of the end.
    last: Option<Frame>,
}

impl Model {
    /// A connection has begun.
    fn begin(&mut self) {
        self.written.clear();
        self.came.clear();
        self.read_at = None;
        self.last = None;
    }

    fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.line.receive(byte, self.now);
        }
    }

    /// Takes what the end has to send, which ends within so many bytes.
    fn transmit(&mut self) {
        for _ in 0..4096 {
            let Some(byte) = self.line.transmit(self.now) else { return };
            if byte != 0 {
                self.sent.push(byte);
            } else if !self.sent.is_empty() {
                let frame = decode(&std::mem::take(&mut self.sent));
                self.check(frame);
            }
        }
        panic!("an end sends without end");
    }

    fn check(&mut self, frame: Frame) {
        assert!(frame.free <= 64 && frame.payload.len() <= 64, "bounds");
        match frame.kind {
            HELLO | WELCOME => {
                (self.first, self.write_at) = (frame.offset, frame.offset);
            }
            RESET => {}
            kind => {
                assert!(kind & OPEN != 0 && kind & !(OPEN | ASK | AGAIN) == 0, "kind {kind}");
                for (at, byte) in (0..).zip(&frame.payload) {
                    let offset = frame.offset.wrapping_add(at);
                    assert_eq!(self.written.get(&offset), Some(byte), "byte {offset} was not written");
                }
            }
        }
        self.last = Some(frame);
    }

    fn read(&mut self, len: usize) {
        let mut buffer = vec![0; len];
        if !self.line.read_ready().expect("asking does not fail") {
            return;
        }
        let is_over = self.line.is_over();
        let count = match self.line.read(&mut buffer) {
            Ok(count) => count,
            Err(error) => return assert!(is_over, "{error}"),
        };
        let Some(mut at) = self.read_at.filter(|_| count > 0) else { return };
        for byte in &buffer[..count] {
            let known = self.came.get(&at).is_some_and(|came| came.contains(byte));
            assert!(known, "byte {at} has not come");
            at = at.wrapping_add(1);
        }
        self.read_at = Some(at);
    }

    fn write(&mut self, bytes: &[u8]) {
        if bytes.is_empty() || !self.line.write_ready().expect("asking does not fail") {
            return;
        }
        if let Ok(count) = self.line.write(bytes) {
            for byte in &bytes[..count] {
                self.written.insert(self.write_at, *byte);
                self.write_at = self.write_at.wrapping_add(1);
            }
        }
    }

    /// A whole frame near what the end expects.
    fn frame(&mut self, input: &mut Input<'_>) {
        let kind =
            input.choose(&[HELLO, WELCOME, RESET, OPEN, OPEN | ASK, OPEN | ASK, OPEN | ASK | AGAIN, 0x40]);
        let (ack, offset) = match &self.last {
            Some(last) => {
                (last.offset.wrapping_add(u16::try_from(last.payload.len()).expect("64 at most")), last.ack)
            }
            None => (self.first, 7),
        };
        let near = |input: &mut Input<'_>, number: u16| match input.byte() {
            0..200 => number,
            by => number.wrapping_add(by.into()).wrapping_sub(228),
        };
        let frame = Frame {
            kind,
            offset: near(input, offset),
            ack: near(input, ack),
            free: input.byte().into(),
            payload: {
                let len = input.below(65);
                input.bytes(len).to_vec()
            },
        };
        if kind & (OPEN | ASK) == OPEN | ASK {
            for (at, byte) in (0..).zip(&frame.payload) {
                self.came.entry(frame.offset.wrapping_add(at)).or_default().push(*byte);
            }
        }
        let was_open = self.line.is_open();
        let is_listening = self.is_listening && !was_open && !self.line.is_over();
        self.feed(&encode(&frame));
        if !was_open && self.line.is_open() {
            // a caller that knows the number from an older frame need not hear the welcome
            self.write_at = frame.ack;
        }
        let begins = kind == WELCOME && !was_open && self.line.is_open() || kind == HELLO && is_listening;
        if begins {
            self.came.clear();
            self.read_at = Some(frame.offset);
        }
    }
}

/// Runs the target on one input.
///
/// # Panics
///
/// When it finds something.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut model = Model {
        line: Line::new(),
        now: Instant::from_millis(1),
        written: HashMap::new(),
        came: HashMap::new(),
        first: 0,
        write_at: 0,
        read_at: None,
        sent: Vec::new(),
        is_listening: false,
        last: None,
    };
    model.line.set_seed(u16::from(input.byte()) << 8);
    while !input.is_empty() {
        match input.below(12) {
            0 => {
                model.begin();
                model.is_listening = false;
                model.line.call();
            }
            1 => {
                model.begin();
                model.is_listening = true;
                model.line.listen();
            }
            2 => model.line.close(),
            3 => {
                let len = input.below(40);
                model.feed(input.bytes(len));
            }
            4..=6 => model.frame(&mut input),
            7 => {
                let len = input.below(80);
                model.read(len);
            }
            8 => {
                let len = input.below(80);
                let bytes = input.bytes(len);
                model.write(bytes);
            }
            9 => model.now = model.now + Duration::from_millis(u64::from(input.byte()) * 4),
            _ => model.transmit(),
        }
        let deadline = model.line.next_deadline(model.now);
        assert!(
            deadline.is_none_or(
                |deadline| deadline >= model.now && deadline <= model.now + Duration::from_secs(9)
            )
        );
    }
    // it comes to rest: whatever it has is sent, and given up when nothing answers
    model.transmit();
    for _ in 0..40 {
        model.now = model.now + Duration::from_millis(250);
        model.transmit();
    }
    assert!(
        !model.line.is_open() || model.line.is_delivered(),
        "an end that nobody answers has not given up"
    );
}
