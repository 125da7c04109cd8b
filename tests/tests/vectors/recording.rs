//! The recordings, and what their README says is in them.

/// One read of the recorder; `None` is the end of the stream.
pub(crate) struct Line {
    pub(crate) connection: usize,
    pub(crate) to_relay: bool,
    pub(crate) bytes: Option<Vec<u8>>,
}

pub(crate) struct Recording {
    pub(crate) name: &'static str,
    pub(crate) lines: Vec<Line>,
}

impl Recording {
    fn parse(name: &'static str, text: &str) -> Self {
        let lines = text.lines().map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            let [connection, direction @ ("<" | ">"), bytes] = fields[..] else { panic!("{name}: {line}") };
            Line {
                connection: connection.parse().unwrap(),
                to_relay: direction == ">",
                bytes: (bytes != "EOF").then(|| hex(bytes)),
            }
        });
        Self { name, lines: lines.collect() }
    }

    /// All bytes of one connection in one direction.
    pub(crate) fn stream(&self, connection: usize, to_relay: bool) -> Vec<u8> {
        let lines =
            self.lines.iter().filter(|line| (line.connection, line.to_relay) == (connection, to_relay));
        lines.filter_map(|line| line.bytes.as_deref()).flatten().copied().collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.lines.iter().map(|line| line.connection + 1).max().unwrap()
    }
}

fn hex(digits: &str) -> Vec<u8> {
    assert!(digits.len().is_multiple_of(2));
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

pub(crate) fn chunks_32k() -> Recording {
    Recording::parse("chunks-32k", include_str!("../../vectors/chunks-32k.txt"))
}

pub(crate) fn chunks_256() -> Recording {
    Recording::parse("chunks-256", include_str!("../../vectors/chunks-256.txt"))
}

pub(crate) fn broadcast() -> Recording {
    Recording::parse("broadcast", include_str!("../../vectors/broadcast.txt"))
}

pub(crate) fn rpc() -> Recording {
    Recording::parse("rpc", include_str!("../../vectors/rpc.txt"))
}

pub(crate) fn all() -> [Recording; 4] {
    [chunks_32k(), chunks_256(), broadcast(), rpc()]
}

/// A chunk of `len` bytes as users of the first three recordings send it.
pub(crate) fn chunk(len: usize) -> Vec<u8> {
    (0..len).map(|i| u8::try_from((7 * i + len) & 255).unwrap()).collect()
}

/// The chunk that goes to everybody but `user`.
pub(crate) fn not(user: u16) -> Vec<u8> {
    format!("not{user}").into_bytes()
}

#[test]
fn the_recordings_are_there() {
    assert_eq!(all().map(|recording| recording.connections()), [6, 3, 4, 2]);
    assert_eq!(chunk(5), [5, 12, 19, 26, 33]);
    assert!(chunks_32k().stream(1, true).windows(129).any(|window| window == chunk(129)));
    assert!(rpc().stream(0, false).ends_with(&[0, 4, 0, 255, 0, 0]));
}
