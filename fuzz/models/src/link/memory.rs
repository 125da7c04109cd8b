//! The memory of a link, in sizes of the input's choice.

use peote_net_testkit::heap::{Heap, Sizes};

use crate::Input;

/// The greatest chunk a channel can have.
pub(super) const CHUNK: usize = 300;

pub(super) fn choose(input: &mut Input<'_>) -> Heap {
    // in this order: it is that of the seeds
    let parties = input.choose(&[1, 2, 5, 40]);
    let own_channels = input.choose(&[0, 1, 3, 8]);
    let transmit = input.choose(&[259, 300, 1000, 70_000]);
    let receive = input.choose(&[1, 7, 64, 2000]);
    Heap::new(Sizes { chunk_size: CHUNK, own_channels, parties, transmit, receive, ..Sizes::default() })
}
