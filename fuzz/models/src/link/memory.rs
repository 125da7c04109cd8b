//! The memory of a link, in sizes of the input's choice.

use peote_net::link::Buffers;
use peote_net::link::memory::{BufferParts, LocalParts, OwnSlot, PartySlot};

use crate::Input;

/// The greatest chunk a channel can have.
pub(super) const CHUNK: usize = 300;

#[derive(Debug)]
pub(super) struct Memory {
    own_channels: Vec<OwnSlot>,
    parties: Vec<PartySlot>,
    chunks: Vec<u8>,
    pub(super) transmit: Vec<u8>,
    pub(super) receive: Vec<u8>,
}

impl Memory {
    pub(super) fn choose(input: &mut Input<'_>) -> Self {
        let parties = input.choose(&[1, 2, 5, 40]);
        Self {
            own_channels: vec![OwnSlot::FREE; input.choose(&[0, 1, 3, 8])],
            parties: vec![PartySlot::FREE; parties],
            chunks: vec![0; parties * CHUNK],
            transmit: vec![0; input.choose(&[259, 300, 1000, 70_000])],
            receive: vec![0; input.choose(&[1, 7, 64, 2000])],
        }
    }
}

impl Buffers for Memory {
    fn parts(&mut self) -> BufferParts<'_> {
        BufferParts {
            own_channels: &mut self.own_channels,
            parties: &mut self.parties,
            chunks: &mut self.chunks,
            chunk_size: CHUNK,
            window: CHUNK,
            transmit: &mut self.transmit,
            receive: &mut self.receive,
            local: LocalParts::none(),
        }
    }
}
