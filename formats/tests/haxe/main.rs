//! The format of `haxe.Serializer`: what it says, what its limits are, and what programs in Haxe
//! have written.

#[path = "../common/everything.rs"]
mod everything;
mod format;
mod limits;
mod recorded;
#[path = "../common/shape.rs"]
mod shape;
mod values;
