//! Values of `peote-net` that travel through serde: as text of `haxe.Serializer`, and as
//! `MessagePack`. The formats themselves have tests of their own.
#![cfg(all(feature = "haxe", feature = "messagepack"))]

#[path = "../common/everything.rs"]
mod everything;
mod haxe;
mod messagepack;
#[path = "../common/shape.rs"]
mod shape;
mod values;
