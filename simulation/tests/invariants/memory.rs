//! Memory of links with sizes chosen at run time.

use peote_net::link::Buffers;
use peote_net::link::memory::{BufferParts, OwnSlot, PartySlot};
use peote_net_simulation::Random;

/// The greatest chunk a channel can have.
pub(crate) const CHUNK: usize = 1000;

#[derive(Debug)]
pub(crate) struct Memory {
    own_channels: Vec<OwnSlot>,
    parties: Vec<PartySlot>,
    chunks: Vec<u8>,
    transmit: Vec<u8>,
    receive: Vec<u8>,
}

impl Memory {
    pub(crate) fn random(random: &mut Random) -> Self {
        let own_channels = *random.choose(&[1, 2, 4]);
        let parties = *random.choose(&[3, 8, 24, 24]);
        let transmit = *random.choose(&[259, 600, 2500]);
        let receive = *random.choose(&[1, 16, 64, 700, 4096]);
        Self {
            own_channels: vec![OwnSlot::FREE; own_channels],
            parties: vec![PartySlot::FREE; parties],
            chunks: vec![0; parties * CHUNK],
            transmit: vec![0; transmit],
            receive: vec![0; receive],
        }
    }

    /// Places for users and entered channels.
    pub(crate) fn parties(&self) -> usize {
        self.parties.len()
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
            local: peote_net::link::memory::LocalParts::none(),
        }
    }
}
