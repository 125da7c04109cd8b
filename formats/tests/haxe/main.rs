//! The format of `haxe.Serializer`: what it says, what its limits are, and what programs in Haxe
//! have written.

mod format;
mod limits;
mod recorded;
mod values;
