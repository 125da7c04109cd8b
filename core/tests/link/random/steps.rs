//! What can happen in a random life, and how it is driven.

use peote_net::chunk::ChunkLimit;
use peote_net::link::Mode;
use peote_net::protocol::items;
use peote_net::protocol::to_endpoint::{self, Capabilities};
use proptest::prelude::*;
use proptest::sample::Index;

use super::NUMBERS;
use crate::support::{Script, from_server, from_user};

/// Something that happens, on either side.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Create(Mode),
    Enter(Mode),
    GiveUp(Index),
    /// The answer to one of the commands in flight.
    Answer(Index, Result<(), u8>),
    /// A user enters one of the own channels that are open.
    UserEnters(Index, u8),
    /// One of the users is gone.
    UserGone(Index, u8),
    /// One of those that are there says chunks of about these lengths, and perhaps something that
    /// is none; of its bytes this many come now, the rest when it speaks again.
    Speaks {
        who: Index,
        chunks: Vec<usize>,
        nonsense: Vec<u8>,
        now: Index,
    },
    /// Any bytes of the relay, with a meaning or without.
    Says(Vec<u8>),
    /// The link hears what has been said.
    Hear,
    Lose,
}

/// How a link is driven.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// With `next_event`, not `poll`.
    pub(super) next_event: bool,
    pub(super) receive: usize,
    pub(super) read_limit: usize,
    pub(super) write_limit: usize,
    /// Bytes that can be written between one poll and the next.
    pub(super) room: usize,
    /// Every how many events one is not dealt with when it comes first; 0: never.
    pub(super) again: usize,
    /// Events that one poll hands over at most; 0: as many as come.
    pub(super) limit: u16,
}

impl Manner {
    pub(super) fn script(self) -> Script {
        Script { read_limit: self.read_limit, write_limit: self.write_limit, ..Script::default() }
    }
}

fn modes() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![
        Mode::Data,
        Mode::chunks(300),
        Mode::chunks(4),
        Mode::Chunks(ChunkLimit::new(4).among(32_768)),
    ])
}

/// What a relay says to a number that may be in use or not.
fn says() -> impl Strategy<Value = Vec<u8>> {
    let number = || prop_oneof![10 => 0..NUMBERS, 1 => any::<u8>()];
    let user = || prop_oneof![10 => 0u8..8, 1 => any::<u8>()];
    let bytes = || prop::collection::vec(prop_oneof![4 => 0u8..3, 1 => any::<u8>()], 1..9);
    prop_oneof![
        1 => (number(), user()).prop_map(|(n, u)| to_endpoint::user_entered(n, u).to_vec()),
        1 => (number(), user(), 0u8..4).prop_map(|(n, u, r)| to_endpoint::user_gone(n, u, r).to_vec()),
        2 => (number(), 0u8..4).prop_map(|(n, r)| to_endpoint::channel_gone(n, r).to_vec()),
        1 => (number(), user(), bytes()).prop_map(|(n, u, bytes)| from_user(n, u, &bytes)),
        1 => (number(), bytes()).prop_map(|(n, bytes)| from_server(n, &bytes)),
        3 => of_flow(),
        1 => prop::sample::select(vec![to_endpoint::keepalive().to_vec(), vec![0, 0], vec![0x80, 0], vec![2, 0x80, 1]]),
    ]
}

/// What a relay that knows hello says.
fn of_flow() -> impl Strategy<Value = Vec<u8>> {
    let number = || prop_oneof![10 => 0..NUMBERS, 1 => 0u8..=127];
    let window = || prop::sample::select(vec![0u32, 1, 100, 300, 2000, u32::MAX]);
    let all = Capabilities::HELLO.with(Capabilities::REMOVE_USER);
    let hello = |item: Vec<u8>| [&to_endpoint::hello(item.len()).unwrap()[..], &item].concat();
    prop_oneof![
        3 => prop::sample::select(vec![Capabilities::HELLO, all]).prop_map(|all| to_endpoint::announcement(all).to_vec()),
        1 => (0u8..2).prop_map(move |bits| hello(items::capabilities(bits).to_vec())),
        1 => any::<u32>().prop_map(move |millis| hello(items::number(items::COME_BACK_IN, millis).to_vec())),
        6 => (number(), 0u8..8, any::<u8>(), window(), prop::collection::vec(any::<u8>(), 0..9))
            .prop_map(|(n, u, ticket, window, words)| {
                [&to_endpoint::knock(n, u, ticket, true, window, words.len()).unwrap()[..], &words].concat()
            }),
        4 => (any::<bool>(), number(), 0u8..8, window(), window())
            .prop_map(|(own, n, u, send, receive)| to_endpoint::raised(own, n, u, send, receive).to_vec()),
        4 => (number(), 0u8..8, window()).prop_map(|(n, u, bytes)| to_endpoint::grant_from_user(n, u, bytes).to_vec()),
        4 => (number(), window()).prop_map(|(n, bytes)| to_endpoint::grant_from_server(n, bytes).to_vec()),
    ]
}

pub(super) fn steps(nonsense: bool, give_up: bool) -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![8 => Just(Ok(())), 1 => (0u8..8).prop_map(Err)];
    let raw = prop::collection::vec(prop_oneof![3 => 0u8..5, 1 => 126u8..132, 1 => any::<u8>()], 1..30);
    let index = any::<Index>;
    let lens = prop::collection::vec(prop_oneof![3 => 0usize..6, 1 => 0usize..300], 1..4);
    let bad = prop_oneof![15 => Just(vec![]), 1 => prop::collection::vec(any::<u8>(), 1..5)];
    let step = prop_oneof![
        4 => modes().prop_map(Step::Create),
        4 => modes().prop_map(Step::Enter),
        2 => index().prop_map(move |index| if give_up { Step::GiveUp(index) } else { Step::Hear }),
        10 => (index(), outcome).prop_map(|(index, outcome)| Step::Answer(index, outcome)),
        12 => (index(), 0u8..8).prop_map(|(index, user)| Step::UserEnters(index, user)),
        3 => (index(), 0u8..4).prop_map(|(index, reason)| Step::UserGone(index, reason)),
        30 => (index(), lens, bad, index())
            .prop_map(|(who, chunks, nonsense, now)| Step::Speaks { who, chunks, nonsense, now }),
        6 => says().prop_map(Step::Says),
        1 => raw.prop_map(move |bytes| if nonsense { Step::Says(bytes) } else { Step::Hear }),
        16 => Just(Step::Hear),
        1 => Just(Step::Lose),
    ];
    prop::collection::vec(step, 1..150)
}

pub(super) fn manners() -> impl Strategy<Value = Manner> {
    (
        any::<bool>(),
        prop::sample::select(vec![1usize, 16, 64, 512]),
        prop_oneof![Just(1usize), 2usize..40, Just(usize::MAX)],
        prop_oneof![Just(1usize), 2usize..40, Just(usize::MAX)],
        prop_oneof![1usize..40, Just(usize::MAX)],
        0usize..4,
        prop_oneof![Just(0u16), 1u16..5],
    )
        .prop_map(|(next_event, receive, read_limit, write_limit, room, again, limit)| Manner {
            next_event,
            receive,
            read_limit,
            write_limit,
            room,
            again,
            limit,
        })
}
