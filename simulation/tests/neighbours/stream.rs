//! What is said, and when it arrives.

/// Bytes of a message's head.
const HEAD: usize = 6;

/// What the messages of good programs begin with.
const GOOD: u8 = b'G';

/// What users say first: who they are.
const WHO: u8 = 3;

/// Who says it to whom, in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The user in this place to the server.
    Up(usize),
    Down(usize),
    /// To all users that are ready.
    Broadcast,
}

/// Messages of one channel and way, at times that are planned.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) channel: usize,
    pub(crate) way: Way,
    /// When each is to be sent, in milliseconds, and its length.
    pub(crate) plan: Vec<(u64, usize)>,
}

impl Stream {
    pub(crate) fn message(&self, number: usize) -> Vec<u8> {
        let (kind, place) = match self.way {
            Way::Up(user) => (0, user),
            Way::Down(user) => (1, user),
            Way::Broadcast => (2, 0),
        };
        let small = |number: usize| u8::try_from(number).expect("few of each");
        let [low, high, ..] = number.to_le_bytes();
        let mut bytes = vec![GOOD, kind, small(self.channel), small(place), low, high];
        bytes.resize(self.plan[number].1.max(HEAD), low ^ kind);
        bytes
    }
}

/// A user says who it is.
pub(crate) fn who(place: usize) -> [u8; HEAD] {
    [GOOD, WHO, u8::try_from(place).expect("few users"), 0, 0, 0]
}

/// What a message of a good program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Who(usize),
    Message {
        channel: usize,
        way: Way,
        number: usize,
    },
    /// It is none of a good program.
    Strange,
}

pub(crate) fn read(bytes: &[u8]) -> Read {
    let [GOOD, kind, channel, place, low, high, ..] = *bytes else { return Read::Strange };
    let number = usize::from(u16::from_le_bytes([low, high]));
    let (channel, place) = (usize::from(channel), usize::from(place));
    let way = match kind {
        0 => Way::Up(place),
        1 => Way::Down(place),
        2 => Way::Broadcast,
        _ => return Read::Who(channel),
    };
    Read::Message { channel, way, number }
}
