//! Chunks: the length field at every edge, and reassembly from any pieces against a parser that
//! sees the whole stream.

mod assembling;
mod lengths;
mod pieces;
mod reference;
