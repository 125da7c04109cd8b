//! Relay to endpoint: answers, events, data (`docs/PROTOCOL.md`, "Relay to endpoint").

mod capabilities;
mod decoder;
mod encode;
mod unit;

pub use capabilities::Capabilities;
pub use decoder::Decoder;
pub(crate) use decoder::Head;
pub use encode::{
    announcement, channel_gone, come_back_in, data_for_server, data_for_user, entered, grant_from_server,
    grant_from_user, hello, keepalive, knock, raised, refused, refused_with, success, user_entered,
    user_gone,
};
pub use unit::Unit;

/// Bit of the channel byte that says "your own channel", as opposed to one that was entered.
const OWN: u8 = 128;

/// Bit of a knock's flags that says that the user takes part.
const TAKES_PART: u8 = 1;
