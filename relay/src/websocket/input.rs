//! From bytes to pieces of messages.

use std::io::Cursor;
use std::ops::Range;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

use super::{Failure, Kind, MAX_FRAME};

/// Bytes of the longest header of a frame.
const MAX_HEADER: usize = 14;

/// Payload bytes of the longest control frame.
pub(super) const MAX_CONTROL: usize = 125;

/// What has come, control frames included.
#[derive(Debug)]
pub(super) enum Item<'a> {
    Payload { kind: Kind, range: Range<usize>, is_last: bool },
    Ping(&'a [u8]),
    Pong,
    Close(Option<u16>),
}

/// What is known between two reads.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) accepts_text: bool,
    /// The beginning of a header that is not complete yet.
    header: [u8; MAX_HEADER],
    header_len: usize,
    frame: Option<Frame>,
    /// The message of which there are more frames to come.
    message: Option<Kind>,
    /// The payload of a control frame as far as it has come.
    control: [u8; MAX_CONTROL],
    control_len: usize,
    is_closed: bool,
    /// Frames that have begun.
    pub(super) frames: u64,
}

/// A frame whose payload is coming.
#[derive(Clone, Copy, Debug)]
struct Frame {
    what: What,
    is_final: bool,
    mask: [u8; 4],
    left: u64,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Message(Kind),
    Control(Control),
}

impl Default for Input {
    fn default() -> Self {
        Self {
            accepts_text: false,
            header: [0; MAX_HEADER],
            header_len: 0,
            frame: None,
            message: None,
            control: [0; MAX_CONTROL],
            control_len: 0,
            is_closed: false,
            frames: 0,
        }
    }
}

impl Input {
    /// Up to the next item. If there is none, all bytes were used.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Result<(usize, Option<Item<'_>>), Failure> {
        if self.is_closed {
            return Ok((bytes.len(), None));
        }
        let mut used = 0;
        let mut frame = match self.frame {
            Some(frame) => frame,
            None => {
                let (len, header) = self.read_header(bytes)?;
                used += len;
                match header {
                    Some((header, len)) => self.begin(&header, len)?,
                    None => return Ok((used, None)),
                }
            }
        };
        let here = usize::try_from(frame.left).unwrap_or(usize::MAX).min(bytes.len() - used);
        let range = used..used + here;
        unmask(&mut bytes[range.clone()], &mut frame.mask);
        used += here;
        frame.left -= here as u64;
        let is_complete = frame.left == 0;
        self.frame = (!is_complete).then_some(frame);
        match frame.what {
            // a frame without payload is an item as well, a header alone is not
            What::Message(_) if here == 0 && !is_complete => Ok((used, None)),
            What::Message(kind) => {
                Ok((used, Some(Item::Payload { kind, range, is_last: is_complete && frame.is_final })))
            }
            What::Control(control) => {
                self.control[self.control_len..self.control_len + here].copy_from_slice(&bytes[range]);
                self.control_len += here;
                if !is_complete {
                    return Ok((used, None));
                }
                let payload = &self.control[..std::mem::take(&mut self.control_len)];
                match control {
                    Control::Ping => Ok((used, Some(Item::Ping(payload)))),
                    Control::Close => {
                        self.is_closed = true;
                        Ok((used, Some(Item::Close(close_code(payload)?))))
                    }
                    _ => Ok((used, Some(Item::Pong))),
                }
            }
        }
    }

    /// A whole header with its frame's length, or all bytes.
    fn read_header(&mut self, bytes: &[u8]) -> Result<(usize, Option<(FrameHeader, u64)>), Failure> {
        let before = self.header_len;
        if before == 0
            && let Some((len, header, payload)) = parse(bytes)?
        {
            return Ok((len, Some((header, payload))));
        }
        let here = bytes.len().min(MAX_HEADER - before);
        self.header[before..before + here].copy_from_slice(&bytes[..here]);
        self.header_len += here;
        match parse(&self.header[..self.header_len])? {
            Some((len, header, payload)) => {
                self.header_len = 0;
                Ok((len - before, Some((header, payload))))
            }
            None => Ok((here, None)),
        }
    }

    /// Whether a frame may come now.
    fn begin(&mut self, header: &FrameHeader, len: u64) -> Result<Frame, Failure> {
        self.frames += 1;
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Failure::protocol("a frame has a reserved bit set, and no extension was agreed on"));
        }
        let what = match header.opcode {
            OpCode::Data(data) => What::Message(self.message_of(data, header.is_final)?),
            OpCode::Control(_) if !header.is_final => {
                return Err(Failure::protocol("a control frame is fragmented"));
            }
            OpCode::Control(_) if len > MAX_CONTROL as u64 => {
                return Err(Failure::protocol("a control frame has more than 125 bytes"));
            }
            OpCode::Control(control) => What::Control(control),
        };
        let mask = header.mask.ok_or(Failure::protocol("a frame is not masked"))?;
        if len > MAX_FRAME {
            return Err(Failure::new(1009, "a frame has more than 16 MiB"));
        }
        Ok(Frame { what, is_final: header.is_final, mask, left: len })
    }

    /// The message to which a frame belongs.
    fn message_of(&mut self, data: Data, is_final: bool) -> Result<Kind, Failure> {
        let kind = match (data, self.message) {
            (Data::Continue, Some(kind)) => kind,
            (Data::Continue, None) => return Err(Failure::protocol("a continuation of nothing")),
            (_, Some(_)) => return Err(Failure::protocol("a message begins inside another one")),
            (Data::Binary, None) => Kind::Binary,
            (Data::Text, None) if self.accepts_text => Kind::Text,
            (Data::Text, None) => {
                return Err(Failure::new(1003, "text is not accepted, only binary messages"));
            }
            (Data::Reserved(_), None) => return Err(UNKNOWN),
        };
        self.message = (!is_final).then_some(kind);
        Ok(kind)
    }
}

const UNKNOWN: Failure = Failure::protocol("a frame of unknown kind");

/// A header, if there is a whole one: its length, itself, and the length of the payload.
fn parse(bytes: &[u8]) -> Result<Option<(usize, FrameHeader, u64)>, Failure> {
    let mut cursor = Cursor::new(bytes);
    match FrameHeader::parse(&mut cursor) {
        Ok(header) => Ok(header.map(|(header, payload)| {
            let len = usize::try_from(cursor.position()).unwrap_or(MAX_HEADER);
            (len, header, payload)
        })),
        // the only thing it looks at, and reading from memory does not fail
        Err(_) => Err(UNKNOWN),
    }
}

/// Unmasks a piece of a payload, and turns the mask to where the next piece begins.
fn unmask(bytes: &mut [u8], mask: &mut [u8; 4]) {
    let mut wide = [0; 32];
    for (to, byte) in wide.iter_mut().zip(mask.iter().cycle()) {
        *to = *byte;
    }
    let mut chunks = bytes.chunks_exact_mut(wide.len());
    for chunk in &mut chunks {
        chunk.iter_mut().zip(&wide).for_each(|(byte, mask)| *byte ^= mask);
    }
    let rest = chunks.into_remainder();
    rest.iter_mut().zip(&wide).for_each(|(byte, mask)| *byte ^= mask);
    mask.rotate_left(rest.len() % 4);
}

/// The code of a close frame, if that is a correct one.
fn close_code(payload: &[u8]) -> Result<Option<u16>, Failure> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [_] => return Err(Failure::protocol("a close frame with half a code")),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    if !CloseCode::from(code).is_allowed() {
        return Err(Failure::protocol("a close frame with a code that must not be sent"));
    }
    match str::from_utf8(reason) {
        Ok(_) => Ok(Some(code)),
        Err(_) => Err(Failure::new(1007, "a close frame whose reason is not UTF-8")),
    }
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
