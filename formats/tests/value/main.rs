//! Values of `peote-net` that travel through serde: as text of `haxe.Serializer`, and as
//! `MessagePack`. The formats themselves have tests of their own.
#![cfg(all(feature = "haxe", feature = "messagepack"))]

mod haxe;
mod messagepack;
mod values;
