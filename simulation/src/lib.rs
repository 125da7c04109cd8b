#![doc = include_str!("../README.md")]

mod line;
mod network;
mod pipe;
mod relay;
mod sleep;
mod trace;
mod transport;
mod world;

pub use line::{Conditions, Cut, Direction, LineConfig, LineId};
pub use network::{Network, Step};
pub use peote_net_testkit::random::Random;
pub use relay::{RelayConfig, RelayEvent};
pub use sleep::{Sleep, Stuck, Wake};
pub use transport::Transport;
