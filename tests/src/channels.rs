//! How channels behave, as stories that are the same wherever server and users are: on one link
//! without a network, on one link with a relay, on several links.
//!
//! A [`Stage`] is where the story happens: what links are connected to, and how time passes. A
//! [`Story`] has a server and users as *roles*, each with a link of its own or all with the same
//! one. The macro [`channels!`](crate::channels!) makes a test of each story.

#![allow(clippy::missing_panics_doc, reason = "all stories panic when channels do not behave")]

mod sockets;
mod stories;
mod story;

pub use sockets::Sockets;
pub use stories::*;
pub use story::{CHUNK, Client, Handler, Heard, ROOM, Server, Stage, Story};

/// Makes a test of each story, on the stage that the expression builds. With `if` in front it is an
/// `Option`: without a stage there is no story.
///
/// ```ignore
/// mod offline {
///     peote_net_tests::channels!(super::OfflineStage::new());
/// }
/// ```
#[macro_export]
macro_rules! channels {
    (if $stage:expr) => {
        $crate::channels! { @ $stage =>
            users_come_talk_and_go
            chunks_of_every_mode
            raw_data_is_a_stream
            the_greatest_chunks
            a_chunk_in_parts
            broadcasts_with_and_without_exclusion
            a_broadcast_of_several_units
            names_of_every_length
            a_user_is_removed_and_comes_again
            a_blocked_user_stays_out_until_the_channel_is_deleted
            a_user_leaves_while_it_is_removed
            a_name_that_is_in_use
            a_name_that_nobody_has
            leaving_and_coming_again
            leaving_with_data_under_way
            deleting_with_data_under_way
            deleting_and_creating_again
            several_channels_at_once
            a_server_that_enters_its_own_channel
            a_malicious_user
            a_malicious_server
            handlers_that_want_events_again
            a_slow_server
            remote_procedures
            a_password_at_the_door
            an_answer_that_comes_later
            a_channel_that_is_full_or_closed
        }
    };
    ($stage:expr) => {
        $crate::channels! { if Some($stage) }
    };
    (@ $stage:expr => $($story:ident)*) => {
        $(
            #[test]
            fn $story() {
                let Some(stage) = $stage else { return };
                $crate::channels::$story(&mut $crate::channels::Story::new(stage));
            }
        )*
    };
}
