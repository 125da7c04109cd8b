//! What the tests and measurements of several packages have in common.

pub mod channels;

/// The examples of the project's front page compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The examples of the guide compile. They are shown by `peote_net::guide`, which cannot test them:
/// it does not know the packages that they use. The page on firmware is tested by
/// peote-net-footprint.
#[cfg(doctest)]
pub mod guide {
    #[doc = include_str!("../../core/src/guide/first_message.md")]
    pub mod first_message {}
    #[doc = include_str!("../../core/src/guide/rooms.md")]
    pub mod rooms {}
    #[doc = include_str!("../../core/src/guide/admission.md")]
    pub mod admission {}
    #[doc = include_str!("../../core/src/guide/typed_messages.md")]
    pub mod typed_messages {}
    #[doc = include_str!("../../core/src/guide/rpc.md")]
    pub mod rpc {}
    #[doc = include_str!("../../core/src/guide/reconnecting.md")]
    pub mod reconnecting {}
    #[doc = include_str!("../../core/src/guide/offline.md")]
    pub mod offline {}
    #[doc = include_str!("../../core/src/guide/from_haxe.md")]
    pub mod from_haxe {}
    #[doc = include_str!("../../core/src/guide/from_mqtt.md")]
    pub mod from_mqtt {}
}
