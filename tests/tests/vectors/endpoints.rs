//! Links in the place of the recorded endpoints.

use peote_net::Reason;
use peote_net::link::{Channel, Destination, Event, Mode, Out, SendError, Source};

use crate::play::{Play, Told};
use crate::recording::{self, Recording, chunk, not};

/// What the server of the first three recordings does.
fn echo_server(event: &Event<'_>, out: &mut Out<'_>) -> Result<(), SendError> {
    match *event {
        Event::UserEntered { channel, user } => {
            out.send(Destination::All(channel), b"all")?;
            out.send(Destination::AllBut(channel, user), &not(user.number()))
        }
        Event::Chunk { from, bytes } => {
            out.send(from, bytes)?;
            match from {
                Source::User { channel, .. } if bytes.len() == 3 => out.delete(channel),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// What a user of those does: sends all its chunks, and leaves, when they have come back, behind
/// the chunk of `LAST` bytes.
fn sender<const LAST: usize>(
    event: &Event<'_>,
    out: &mut Out<'_>,
    lens: &[usize],
    leaves: bool,
) -> Result<(), SendError> {
    match *event {
        Event::Opened { channel: Channel::Entered(channel) } => {
            lens.iter().try_for_each(|&len| out.send(channel, &chunk(len)))
        }
        Event::Chunk { from: Source::Server { channel }, bytes } if leaves && bytes == chunk(LAST) => {
            out.leave(channel)
        }
        _ => Ok(()),
    }
}

/// The channel's server as it hears users come, speak and go.
fn told_to_server(steps: &[Step]) -> Vec<Told> {
    let mut told = vec![Told::Created];
    for step in steps {
        match *step {
            Step::Comes(user) => told.push(Told::UserEntered(user)),
            Step::Speaks(user, lens) => {
                told.extend(lens.iter().map(|&len| Told::Chunk(Some(user), chunk(len))));
            }
            Step::Leaves(user) => told.push(Told::UserGone(user, Reason::OnPurpose)),
        }
    }
    told
}

enum Step {
    Comes(u16),
    Speaks(u16, &'static [usize]),
    Leaves(u16),
}

fn check(recording: &Recording, connection: usize, play: &Play<'_>, expected: &[Told]) {
    let (relay, endpoint) = (recording.stream(connection, false), recording.stream(connection, true));
    play.check(&relay, &endpoint, expected);
}

/// A user that hears these chunks of the server, and then that the channel is gone, if it is.
fn told_to_user(chunks: &[Vec<u8>], gone: bool) -> Vec<Told> {
    let chunks = chunks.iter().map(|bytes| Told::Chunk(None, bytes.clone()));
    let gone = gone.then_some(Told::ChannelGone(Reason::OnPurpose));
    [Told::Entered].into_iter().chain(chunks).chain(gone).collect()
}

fn all() -> Vec<u8> {
    b"all".to_vec()
}

#[test]
fn servers() {
    use Step::{Comes, Leaves, Speaks};
    let server = |mode| Play { name: "chunks", server: true, mode, act: echo_server };
    let long = server(Mode::default());
    let short = server(Mode::chunks(256));
    let recording = recording::chunks_32k();
    let steps = [Comes(0), Speaks(0, &[1, 2, 127, 128, 129, 5]), Leaves(0), Comes(0), Speaks(0, &[5, 3])];
    check(&recording, 0, &long, &told_to_server(&steps));
    // the recording ends in the middle of what user 0 says
    let steps = [Comes(0), Speaks(0, &[1, 127, 128, 255, 256]), Leaves(0), Comes(0)];
    check(&recording, 3, &short, &told_to_server(&steps));
    let recording = recording::chunks_256();
    let steps = [Comes(0), Speaks(0, &[1, 127, 128, 255, 256]), Leaves(0), Comes(0), Speaks(0, &[5, 3])];
    check(&recording, 0, &short, &told_to_server(&steps));
    let recording = recording::broadcast();
    let steps = [Comes(0), Comes(1), Comes(2), Speaks(2, &[5, 3])];
    check(&recording, 0, &long, &told_to_server(&steps));
}

#[test]
fn users_that_speak() {
    let user = |mode, act| Play { name: "chunks", server: false, mode, act };
    let (long, short) = (Mode::default(), Mode::chunks(256));
    let heard = |lens: &[usize]| [vec![all()], lens.iter().copied().map(chunk).collect()].concat();

    let recording = recording::chunks_32k();
    let play = user(long, |event, out| sender::<5>(event, out, &[1, 2, 127, 128, 129, 5], true));
    check(&recording, 1, &play, &told_to_user(&heard(&[1, 2, 127, 128, 129, 5]), false));
    let two = user(long, |event, out| sender::<0>(event, out, &[5, 3], false));
    check(&recording, 2, &two, &told_to_user(&heard(&[5, 3]), true));
    let play = user(short, |event, out| sender::<256>(event, out, &[1, 127, 128, 255, 256], true));
    let expected = told_to_user(&heard(&[1, 127, 128, 255, 256]), false);
    check(&recording, 4, &play, &expected);
    check(&recording::chunks_256(), 1, &play, &expected);
    let one = user(short, |event, out| sender::<0>(event, out, &[5], false));
    check(&recording, 5, &one, &told_to_user(&heard(&[]), false));
    let short_two = user(short, |event, out| sender::<0>(event, out, &[5, 3], false));
    check(&recording::chunks_256(), 2, &short_two, &told_to_user(&heard(&[5, 3]), true));
    check(&recording::broadcast(), 3, &two, &told_to_user(&heard(&[5, 3]), true));
}

#[test]
fn users_that_listen() {
    let play = Play { name: "chunks", server: false, mode: Mode::default(), act: |_, _| Ok(()) };
    let recording = recording::broadcast();
    check(&recording, 1, &play, &told_to_user(&[all(), all(), not(1), all(), not(2)], true));
    check(&recording, 2, &play, &told_to_user(&[all(), all(), not(2)], true));
}

/// What the two of the remote procedure calls say, byte by byte; what it means is tested elsewhere.
mod rpc {
    use super::{Destination, Event, Mode, Out, Play, Reason, SendError, Source, Told, recording};

    /// Existing senders put a chunk's length and its bytes in two units: the second ones are the
    /// chunks.
    fn chunks(stream: &[u8], head: usize) -> Vec<Vec<u8>> {
        let mut rest = stream;
        let mut payloads = Vec::new();
        while let [size, ..] = *rest {
            // an answer, an event or a command is not of interest
            let (is_data, end) = match *rest {
                [0, 0 | 1, 1, name, ..] if head == 1 && name > 2 => (false, 4 + usize::from(name)),
                [0, len, ..] => (false, 2 + usize::from(len)),
                _ => (true, 1 + usize::from(size)),
            };
            if is_data {
                payloads.push(rest[1 + head..end].to_vec());
            }
            rest = &rest[end..];
        }
        payloads.chunks(2).map(|pair| pair[1].clone()).collect()
    }

    fn server(event: &Event<'_>, out: &mut Out<'_>) -> Result<(), SendError> {
        match *event {
            Event::UserEntered { channel, user } => out.send(Destination::User(channel, user), &[0]),
            Event::Chunk { from, bytes: [3] } => out.send(from, "\u{3}\u{0}\u{7}grüße".as_bytes()),
            _ => Ok(()),
        }
    }

    fn user(event: &Event<'_>, out: &mut Out<'_>) -> Result<(), SendError> {
        let Event::Chunk { from: from @ Source::Server { .. }, bytes: [0] } = *event else { return Ok(()) };
        let sent = chunks(&recording::rpc().stream(1, true), 1);
        sent.iter().try_for_each(|chunk| out.send(from, chunk))
    }

    #[test]
    fn both_ends() {
        let recording = recording::rpc();
        let sent = chunks(&recording.stream(1, true), 1);
        assert_eq!(sent.len(), 8);
        assert_eq!(sent[..2], [vec![3], vec![0, 0]]);
        assert_eq!(sent[2], [&[0, 1, 6][..], "hi ✓".as_bytes(), &[0xfb, 0xff, 0xff, 0xff]].concat());
        let play = Play { name: "rpc", server: true, mode: Mode::default(), act: server };
        let heard = sent.into_iter().map(|chunk| Told::Chunk(Some(0), chunk));
        let expected: Vec<Told> = [Told::Created, Told::UserEntered(0)]
            .into_iter()
            .chain(heard)
            .chain([Told::UserGone(0, Reason::ConnectionLost)])
            .collect();
        super::check(&recording, 0, &play, &expected);
        let play = Play { name: "rpc", server: false, mode: Mode::default(), act: user };
        let say = [&[3, 0, 7], "grüße".as_bytes()].concat();
        super::check(
            &recording,
            1,
            &play,
            &[Told::Entered, Told::Chunk(None, vec![0]), Told::Chunk(None, say)],
        );
    }
}
