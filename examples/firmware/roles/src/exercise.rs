//! Chunks of all lengths, sent to a channel that echoes, and checked when they come back.

use defmt::{error, info};
use peote_net::chunk::ChunkLimit;
use peote_net::link::{EnteredChannel, Out, Payload, SendError};

/// So many chunks that every byte of an echo can be told. Chunk `n` has `length(n)` bytes, and byte
/// `k` of it is `byte(n, k)`.
#[derive(Debug)]
pub(crate) struct Exercise {
    total: u32,
    limit: ChunkLimit,
    sent: u32,
    checked: u32,
    failed: bool,
}

impl Exercise {
    pub(crate) const fn new(total: u32, limit: ChunkLimit) -> Self {
        Self { total, limit, sent: 0, checked: 0, failed: false }
    }

    /// Begins, or goes on after a lost connection: what has not come back is sent again.
    pub(crate) fn start(&mut self) {
        if self.checked > 0 {
            info!("exercise goes on at chunk {=u32}", self.checked);
        }
        self.sent = self.checked;
    }

    /// The exit code, once it is over.
    pub(crate) fn finished(&self) -> Option<u8> {
        if self.failed { Some(1) } else { (self.checked >= self.total).then_some(0) }
    }

    /// Sends as many chunks as there is room for.
    pub(crate) fn turn(&mut self, channel: EnteredChannel, out: &mut Out<'_>) -> bool {
        let before = self.sent;
        while self.sent < self.total && !self.failed {
            let n = self.sent;
            match out.send_with(channel, self.length(n), |payload| fill(payload, n, self.length(n))) {
                Ok(()) => self.sent += 1,
                Err(SendError::WouldBlock) => break,
                Err(error) => {
                    error!("exercise: chunk {=u32} cannot be sent: {}", n, error);
                    self.failed = true;
                }
            }
        }
        self.sent > before
    }

    /// Checks what has come back.
    pub(crate) fn check(&mut self, bytes: &[u8]) {
        let n = self.checked;
        let is_right = n < self.sent
            && bytes.len() == self.length(n)
            && bytes.iter().zip(0..).all(|(have, k)| *have == byte(n, k));
        if !is_right {
            error!(
                "exercise: chunk {=u32} came back wrong, {=usize} bytes of {=usize}",
                n,
                bytes.len(),
                self.length(n)
            );
            self.failed = true;
        }
        self.checked += 1;
        if self.checked == self.total && !self.failed {
            info!("exercise: {=u32} chunks came back right", self.total);
        }
    }

    /// 1 byte for the first chunk, the greatest length for the last one, all magnitudes between
    /// them.
    fn length(&self, n: u32) -> usize {
        let max = self.limit.max();
        let hash = n.wrapping_mul(0x9e37_79b1);
        let bits = (hash >> 24) % (u32::BITS - max.leading_zeros() + 1);
        let length = match n {
            0 => 1,
            n if n + 1 == self.total => max,
            _ => (1 + (hash & !(u32::MAX << bits))).min(max),
        };
        length as usize
    }
}

fn byte(n: u32, k: u32) -> u8 {
    let sum = n.wrapping_mul(31).wrapping_add(k.wrapping_mul(7)).wrapping_add((k >> 8).wrapping_mul(13));
    sum.to_le_bytes()[0]
}

fn fill(payload: &mut Payload<'_>, n: u32, length: usize) {
    let mut piece = [0; 64];
    let mut content = (0..).map(|k| byte(n, k));
    for start in (0..length).step_by(piece.len()) {
        let piece = &mut piece[..(length - start).min(64)];
        piece.fill_with(|| content.next().unwrap_or_default());
        payload.put(piece);
    }
}
