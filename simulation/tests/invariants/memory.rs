//! Memory of links with sizes chosen at run time.

use peote_net_simulation::Random;
use peote_net_testkit::heap::{Heap, Sizes};

/// The greatest chunk a channel can have.
pub(crate) const CHUNK: usize = 1000;

pub(crate) fn random(random: &mut Random) -> Heap {
    Heap::new(Sizes {
        chunk_size: CHUNK,
        own_channels: *random.choose(&[1, 2, 4]),
        parties: *random.choose(&[3, 8, 24, 24]),
        transmit: *random.choose(&[259, 600, 2500]),
        receive: *random.choose(&[1, 16, 64, 700, 4096]),
        ..Sizes::default()
    })
}
