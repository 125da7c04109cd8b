#![doc = include_str!("../README.md")]

mod clock;
mod error;
mod frames;
mod link;
mod transport;

pub use clock::Clock;
pub use error::WebError;
pub use frames::each_frame;
pub use link::WebLink;
pub use transport::WebSocketTransport;
