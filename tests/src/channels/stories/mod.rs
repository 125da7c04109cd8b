//! The stories.

mod admission;
mod calls;
mod coming_and_going;
mod removing;
mod talking;
mod trouble;

pub use admission::*;
pub use calls::*;
pub use coming_and_going::*;
pub use removing::*;
pub use talking::*;
pub use trouble::*;

use peote_net::link::Mode;

const CHUNKS: Mode = Mode::chunks(1000);

fn bytes(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from((at * 7 + seed) % 251).unwrap()).collect()
}
