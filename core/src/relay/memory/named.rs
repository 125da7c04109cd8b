//! Sizes by name.

/// Names the type of a relay's memory by its sizes, in this order:
/// [`StaticStorage`](super::StaticStorage). [`relay::memory`](super) says what each size is.
///
/// ```
/// use peote_net::relay::{Relay, StaticStorage, static_storage};
///
/// type Memory = static_storage!(connections: 8, channels: 4, memberships: 32, pages: 24);
/// let same: Relay<StaticStorage<8, 4, 32, 24>> = Relay::new(Memory::new());
/// # drop(same);
/// ```
///
/// ```compile_fail
/// type Memory = peote_net::relay::static_storage!(connections: 8, channels: 4);
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __static_storage {
    (connections: $connections:expr, channels: $channels:expr, memberships: $memberships:expr, pages: $pages:expr $(,)?) => {
        $crate::relay::memory::StaticStorage<{ $connections }, { $channels }, { $memberships }, { $pages }>
    };
    ($($other:tt)*) => {
        compile_error!("the sizes are, in this order: connections, channels, memberships, pages")
    };
}

#[doc(inline)]
pub use crate::__static_storage as static_storage;
