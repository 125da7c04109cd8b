//! What is written in front of payloads, and between them.

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::Kind;

/// Bytes of pongs that may wait to be written. One more takes the place of the one before it.
const MAX_WAITING: usize = 512;

/// Bytes of the longest reason that stands behind the code of a close frame.
const MAX_REASON: usize = 123;

/// Bytes of the longest header, without a mask.
const MAX_HEADER: usize = 10;

/// Control frames that wait, and the frame that is under way.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Whole control frames. Allocated only while there are any.
    control: Vec<u8>,
    /// How much of them is written.
    control_start: usize,
    /// Where the most recent pong begins.
    pong: Option<usize>,
    header: [u8; MAX_HEADER],
    header_len: usize,
    header_start: usize,
    /// Payload bytes of the frame that are not written yet.
    pub(super) left: u64,
    pub(super) is_closing: bool,
}

impl Output {
    /// Begins a frame; one of no kind goes on with a message.
    pub(super) fn begin(&mut self, kind: Option<Kind>, is_final: bool, len: u64) {
        if self.is_closing || self.header_len > 0 {
            return;
        }
        let data = match kind {
            Some(Kind::Binary) => Data::Binary,
            Some(Kind::Text) => Data::Text,
            None => Data::Continue,
        };
        let header = FrameHeader { is_final, opcode: OpCode::Data(data), ..FrameHeader::default() };
        let mut rest = &mut self.header[..];
        // there is room for every header
        let _ = header.format(len, &mut rest);
        self.header_len = MAX_HEADER - rest.len();
        self.left = len;
    }

    /// Whether some of a frame is written and some is not.
    fn is_within(&self) -> bool {
        self.header_start > 0
    }

    pub(super) fn head(&self) -> [&[u8]; 2] {
        let control = if self.is_within() { &[][..] } else { &self.control[self.control_start..] };
        [control, &self.header[self.header_start..self.header_len]]
    }

    pub(super) fn advance(&mut self, written: usize) -> usize {
        let [control, header] = self.head().map(<[u8]>::len);
        let of_control = written.min(control);
        self.control_start += of_control;
        if self.control_start > 0 && self.control_start == self.control.len() {
            (self.control, self.control_start, self.pong) = (Vec::new(), 0, None);
        }
        let of_header = (written - of_control).min(header);
        self.header_start += of_header;
        let of_payload = written - of_control - of_header;
        self.left = self.left.saturating_sub(of_payload as u64);
        if self.header_start == self.header_len && self.left == 0 {
            (self.header_start, self.header_len) = (0, 0);
        }
        of_payload
    }

    pub(super) fn pong(&mut self, payload: &[u8]) {
        if self.is_closing {
            return;
        }
        if self.control.len() + payload.len() > MAX_WAITING {
            self.control.drain(..self.control_start);
            let pong = self.pong.and_then(|pong| pong.checked_sub(std::mem::take(&mut self.control_start)));
            // who does not read gets an answer to the most recent one, as RFC 6455 permits (section
            // 5.5.3)
            if let Some(pong) = pong
                && self.control.len() + payload.len() > MAX_WAITING
            {
                self.control.truncate(pong);
            }
        }
        self.pong = Some(self.control.len());
        self.control_frame(Control::Pong, payload);
    }

    pub(super) fn close(&mut self, code: Option<u16>, reason: &str) {
        if std::mem::replace(&mut self.is_closing, true) {
            return;
        }
        if !self.is_within() {
            (self.header_len, self.left) = (0, 0);
        }
        match code {
            Some(code) => {
                // as much of it as fits into a control frame (RFC 6455, section 5.5)
                let fits = (0..=MAX_REASON.min(reason.len())).rev().find(|len| reason.is_char_boundary(*len));
                let reason = &reason[..fits.unwrap_or(0)];
                self.control_frame(Control::Close, &[&code.to_be_bytes(), reason.as_bytes()].concat());
            }
            None => self.control_frame(Control::Close, &[]),
        }
    }

    pub(super) fn respond(&mut self, response: &[u8]) {
        self.reserve(response.len());
        self.control.extend(response);
    }

    fn control_frame(&mut self, control: Control, payload: &[u8]) {
        let header = FrameHeader { opcode: OpCode::Control(control), ..FrameHeader::default() };
        self.reserve(header.len(payload.len() as u64) + payload.len());
        // memory takes everything
        let _ = header.format(payload.len() as u64, &mut self.control);
        self.control.extend(payload);
    }

    /// Makes room, in few sizes.
    fn reserve(&mut self, len: usize) {
        let needed = self.control.len() + len;
        if self.control.capacity() < needed {
            self.control.reserve_exact(needed.next_multiple_of(256) - self.control.len());
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.control.capacity()
    }
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
