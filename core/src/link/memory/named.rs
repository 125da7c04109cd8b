//! Sizes by name.

/// Names the type of a link's memory by its sizes, in any order:
/// [`LinkBuffers`](super::LinkBuffers), or `LocalBuffers` (feature `local`) if there are
/// `local_users`.
///
/// [`link::memory`](super) says what each size is. What is left out has the default. A name that
/// does not exist does not compile.
///
/// ```
/// use peote_net::link::{Link, LinkBuffers, link_buffers};
///
/// type Sensor = link_buffers!(
///     chunk: 64, parties: 1, own_channels: 0, transmit: 512, receive: 256
/// );
/// let same: Link<LinkBuffers<64, 1, 0, 512, 256>> = Link::<Sensor>::new();
/// # drop(same);
/// ```
///
/// ```
/// # #[cfg(feature = "local")] {
/// use peote_net::link::{Link, link_buffers};
///
/// type Memory = link_buffers!(parties: 8, chunk: 256, local_users: 2, line: 512);
/// let link = Link::<Memory>::with_local_users();
/// # drop(link);
/// # }
/// ```
///
/// ```compile_fail
/// type Memory = peote_net::link::link_buffers!(chunks: 256);
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __link_buffers {
    (@get chunk; (chunk: $value:expr $(, $($rest:tt)*)?)) => { $value };
    (@get chunk; ($other:ident: $value:expr $(, $($rest:tt)*)?)) => { $crate::__link_buffers!(@get chunk; ($($($rest)*)?)) };
    (@get chunk; ()) => { 32_768 };
    (@get parties; (parties: $value:expr $(, $($rest:tt)*)?)) => { $value };
    (@get parties; ($other:ident: $value:expr $(, $($rest:tt)*)?)) => { $crate::__link_buffers!(@get parties; ($($($rest)*)?)) };
    (@get parties; ()) => { 2 };
    (@get own_channels; (own_channels: $value:expr $(, $($rest:tt)*)?)) => { $value };
    (@get own_channels; ($other:ident: $value:expr $(, $($rest:tt)*)?)) => { $crate::__link_buffers!(@get own_channels; ($($($rest)*)?)) };
    (@get own_channels; ()) => { 2 };
    (@get transmit; (transmit: $value:expr $(, $($rest:tt)*)?)) => { $value };
    (@get transmit; ($other:ident: $value:expr $(, $($rest:tt)*)?)) => { $crate::__link_buffers!(@get transmit; ($($($rest)*)?)) };
    (@get transmit; ()) => { 36_864 };
    (@get receive; (receive: $value:expr $(, $($rest:tt)*)?)) => { $value };
    (@get receive; ($other:ident: $value:expr $(, $($rest:tt)*)?)) => { $crate::__link_buffers!(@get receive; ($($($rest)*)?)) };
    (@get receive; ()) => { 4_096 };
    // as `chunk` unless it is named
    (@window ($($all:tt)*) (window: $value:expr $(, $($rest:tt)*)?)) => { $value };
    (@window ($($all:tt)*) ($other:ident: $value:expr $(, $($rest:tt)*)?)) => { $crate::__link_buffers!(@window ($($all)*) ($($($rest)*)?)) };
    (@window ($($all:tt)*) ()) => { $crate::__link_buffers!(@get chunk; ($($all)*)) };
    (@get line; (line: $value:expr $(, $($rest:tt)*)?)) => { $value };
    (@get line; ($other:ident: $value:expr $(, $($rest:tt)*)?)) => { $crate::__link_buffers!(@get line; ($($($rest)*)?)) };
    (@get line; ()) => { 1_024 };
    // is there a size `local_users`?
    (@local ($($all:tt)*) (local_users: $users:expr $(, $($rest:tt)*)?)) => {
        $crate::__local_buffers!(
            $crate::__link_buffers!(@plain ($($all)*)),
            { $crate::__link_buffers!(@get own_channels; ($($all)*)) },
            { $users },
            { $crate::__link_buffers!(@get line; ($($all)*)) },
        )
    };
    (@local ($($all:tt)*) ($other:ident: $value:expr $(, $($rest:tt)*)?)) => {
        $crate::__link_buffers!(@local ($($all)*) ($($($rest)*)?))
    };
    (@local ($($all:tt)*) ()) => { $crate::__link_buffers!(@plain ($($all)*)) };
    (@plain ($($all:tt)*)) => {
        $crate::link::memory::LinkBuffers<
            { $crate::__link_buffers!(@get chunk; ($($all)*)) },
            { $crate::__link_buffers!(@get parties; ($($all)*)) },
            { $crate::__link_buffers!(@get own_channels; ($($all)*)) },
            { $crate::__link_buffers!(@get transmit; ($($all)*)) },
            { $crate::__link_buffers!(@get receive; ($($all)*)) },
            { $crate::__link_buffers!(@window ($($all)*) ($($all)*)) },
        >
    };
    // each name is known
    (@known ($($all:tt)*) ()) => { $crate::__link_buffers!(@local ($($all)*) ($($all)*)) };
    (@known ($($all:tt)*) (chunk: $value:expr $(, $($rest:tt)*)?)) => {
        $crate::__link_buffers!(@known ($($all)*) ($($($rest)*)?))
    };
    (@known ($($all:tt)*) (parties: $value:expr $(, $($rest:tt)*)?)) => {
        $crate::__link_buffers!(@known ($($all)*) ($($($rest)*)?))
    };
    (@known ($($all:tt)*) (own_channels: $value:expr $(, $($rest:tt)*)?)) => {
        $crate::__link_buffers!(@known ($($all)*) ($($($rest)*)?))
    };
    (@known ($($all:tt)*) (transmit: $value:expr $(, $($rest:tt)*)?)) => {
        $crate::__link_buffers!(@known ($($all)*) ($($($rest)*)?))
    };
    (@known ($($all:tt)*) (receive: $value:expr $(, $($rest:tt)*)?)) => {
        $crate::__link_buffers!(@known ($($all)*) ($($($rest)*)?))
    };
    (@known ($($all:tt)*) (window: $value:expr $(, $($rest:tt)*)?)) => {
        $crate::__link_buffers!(@known ($($all)*) ($($($rest)*)?))
    };
    (@known ($($all:tt)*) (local_users: $value:expr $(, $($rest:tt)*)?)) => {
        $crate::__link_buffers!(@known ($($all)*) ($($($rest)*)?))
    };
    (@known ($($all:tt)*) (line: $value:expr $(, $($rest:tt)*)?)) => {
        $crate::__link_buffers!(@known ($($all)*) ($($($rest)*)?))
    };
    (@known ($($all:tt)*) ($other:ident $($rest:tt)*)) => {
        compile_error!(concat!(
            "there is no size `", stringify!($other),
            "`: chunk, window, parties, own_channels, transmit, receive, local_users, line"
        ))
    };
    ($($all:tt)*) => { $crate::__link_buffers!(@known ($($all)*) ($($all)*)) };
}

/// The memory with local users, or an error that says what it needs.
#[cfg(feature = "local")]
#[macro_export]
#[doc(hidden)]
macro_rules! __local_buffers {
    ($($sizes:tt)*) => { $crate::link::memory::LocalBuffers<$($sizes)*> };
}

/// The memory with local users, or an error that says what it needs.
#[cfg(not(feature = "local"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __local_buffers {
    ($($sizes:tt)*) => {
        compile_error!("`local_users` needs the feature `local` of peote-net")
    };
}

#[doc(inline)]
pub use crate::__link_buffers as link_buffers;
