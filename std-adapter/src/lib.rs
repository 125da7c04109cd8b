#![doc = include_str!("../README.md")]

mod clock;
mod connect;
mod error;
mod heap;
#[cfg(unix)]
mod lines;
mod link_transport;
mod readiness;
mod reconnecting_link;
mod tcp_link;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls_none.rs"]
mod tls;
mod transport;
mod waiter;
mod wake;

pub use clock::Clock;
pub use connect::{Attempt, ConnectError, ConnectErrorKind, Connecting};
pub use error::TcpError;
pub use heap::{HeapBuffers, Sizes, SizesError};
#[cfg(unix)]
pub use lines::Lines;
pub use reconnecting_link::{Change, Context, ReconnectError, ReconnectingLink, random_seed};
pub use tcp_link::TcpLink;
#[cfg(feature = "tls")]
pub use tls::{TlsError, TlsErrorKind, TlsOptions};
pub use transport::TcpTransport;
pub use waiter::{Interest, Waiter, Waker, Watch, Woken};
