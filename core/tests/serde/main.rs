//! Values that travel through serde: as text of `haxe.Serializer`, and as `MessagePack`.
#![cfg(all(feature = "haxe", feature = "messagepack"))]

mod haxe;
mod hostile;
mod messagepack;
mod values;
