//! Values that travel through serde: as text of `haxe.Serializer`, and as `MessagePack`. The
//! formats themselves are tested in their packages.
#![cfg(all(feature = "haxe", feature = "messagepack"))]

mod haxe;
mod messagepack;
mod values;
