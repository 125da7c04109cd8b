//! Chunks: whole messages inside the data of one channel and one direction (`docs/PROTOCOL.md`,
//! "Chunks").
//!
//! Usable alone: [`ChunkLimit`] says how lengths are coded, [`ChunkLimit::encode_length`] makes the
//! bytes in front of a chunk, an [`Assembler`] finds the chunks in data that arrives in any pieces.
//!
//! ```
//! use peote_net::chunk::{Assembler, ChunkLimit, Step};
//!
//! let limit = ChunkLimit::DEFAULT; // 32 KiB, two length bytes
//! let length = limit.encode_length(5).unwrap();
//! assert_eq!(length.as_bytes(), [4]); // the code is the length minus 1
//!
//! let mut assembler = Assembler::new();
//! let mut slot = [0; 64]; // used only for chunks that arrive in pieces
//! let data = [4, b'h', b'e', b'l', b'l', b'o', 0, b'!'];
//! let (used, step) = assembler.feed(limit, &data, &mut slot);
//! assert_eq!((used, step), (6, Step::Whole { start: 1, end: 6 })); // it lies in `data`: nothing was copied
//! assert_eq!(assembler.feed(limit, &data[used..], &mut slot), (2, Step::Whole { start: 1, end: 2 }));
//! ```

mod assembler;
mod limit;

pub use assembler::{Assembler, Step, Violation};
pub use limit::{ChunkLimit, EncodedLength};
