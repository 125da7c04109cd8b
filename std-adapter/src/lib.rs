#![doc = include_str!("../README.md")]

mod clock;
mod connect;
mod describe;
mod desktop_link;
mod error;
mod former;
mod heap;
#[cfg(unix)]
mod lines;
mod link_transport;
mod readiness;
mod seed;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls_none.rs"]
mod tls;
mod transport;
mod users;
mod waiter;
mod wake;

pub use clock::Clock;
pub use connect::{Attempt, ConnectError, ConnectErrorKind, Connecting};
pub use describe::describe;
pub use desktop_link::{Change, DesktopLink, LinkBuilder, LinkError, Lost};
pub use error::TcpError;
#[expect(deprecated, reason = "a former name")]
#[doc(hidden)]
pub use former::ReconnectingLink;
pub use heap::{HeapBuffers, Sizes, SizesError};
#[cfg(unix)]
pub use lines::Lines;
pub use seed::random_seed;
#[cfg(feature = "tls")]
pub use tls::{TlsError, TlsErrorKind, TlsOptions, TlsOptionsError, TlsOptionsErrorKind};
pub use transport::TcpTransport;
pub use users::Users;
pub use waiter::{Interest, Waiter, Waker, Watch, Woken};
