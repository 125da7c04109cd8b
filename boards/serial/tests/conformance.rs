//! What every transport has to do, with a wire that loses and flips 1 % of the bytes, and one that
//! does not.

mod common;

use common::{End, Noise, World, read};
use embedded_io::{Write as _, WriteReady as _};
use peote_net_testkit::conformance::{FarRead, Testbed};

/// The caller is tested, the answerer is the far end.
struct Bed(World);

impl Bed {
    fn new(noise: usize) -> Self {
        let mut world = World::new(7, Noise { lost: noise, flipped: noise, added: 0 }, 1, 100);
        world.open();
        Self(world)
    }
}

impl Testbed for Bed {
    type Transport<'a> = &'a mut End;

    const ENDS_APART: bool = false;
    const BULK: usize = 20_000;

    fn transport(&mut self) -> &mut End {
        &mut self.0.caller
    }

    fn close(&mut self) {
        while !self.0.caller.is_delivered() {
            self.0.step();
        }
        self.0.caller.close();
    }

    fn far_write(&mut self, bytes: &[u8]) -> usize {
        if self.0.answerer.write_ready().unwrap() { self.0.answerer.write(bytes).unwrap() } else { 0 }
    }

    fn far_read(&mut self, buffer: &mut [u8]) -> FarRead {
        let mut bytes = Vec::new();
        let end = read(&mut self.0.answerer, &mut bytes, buffer.len());
        buffer[..bytes.len()].copy_from_slice(&bytes);
        match (bytes.len(), end) {
            (0, Some(_)) => FarRead::Closed,
            (0, None) => FarRead::Nothing,
            (count, _) => FarRead::Bytes(count),
        }
    }

    fn far_close(&mut self) {
        while !self.0.answerer.is_delivered() {
            self.0.step();
        }
        self.0.answerer.close();
    }

    fn far_reset(&mut self) {
        // the board at the other end starts anew, and knows nothing of this connection
        self.0.answerer = common::end(99);
        self.0.answerer.call();
    }

    fn step(&mut self) {
        for _ in 0..5 {
            self.0.step();
        }
    }
}

mod clean {
    peote_net_testkit::conformance!(super::Bed::new(0));
}

mod noisy {
    peote_net_testkit::conformance!(super::Bed::new(50));
}
