//! What a name may mean: it is cut into words, however they are joined.

/// The settings that are known to exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Meaning {
    /// The address to listen on, perhaps with the port.
    Listen,
    Port,
    /// Connections of one address.
    PerAddress,
    /// Connections of all.
    Connections,
    FirstByte,
    Idle,
    LogLevel,
}

/// Bytes of the longest name that is looked at.
const LONGEST: usize = 64;

// What words stand for. Names with any other word are not understood: "websocket-port" is not "port".
const NOISE: u16 = 0;
const MOST: u16 = 1 << 0;
const CONNECTIONS: u16 = 1 << 1;
const PER: u16 = 1 << 2;
const ADDRESS: u16 = 1 << 3;
const PORT: u16 = 1 << 4;
const LISTEN: u16 = 1 << 5;
const FIRST: u16 = 1 << 6;
const IDLE: u16 = 1 << 7;
const TIMEOUT: u16 = 1 << 8;
const LOG: u16 = 1 << 9;
const LEVEL: u16 = 1 << 10;

/// Longer ones first where one is the beginning of another.
const WORDS: [(&str, u16); 39] = [
    ("server", NOISE),
    ("tcp", NOISE),
    ("number", NOISE),
    ("num", NOISE),
    ("count", NOISE),
    ("of", NOISE),
    ("byte", NOISE),
    ("maximum", MOST),
    ("maximal", MOST),
    ("max", MOST),
    ("limit", MOST),
    ("connections", CONNECTIONS),
    ("connection", CONNECTIONS),
    ("conns", CONNECTIONS),
    ("conn", CONNECTIONS),
    ("sockets", CONNECTIONS),
    ("socket", CONNECTIONS),
    ("clients", CONNECTIONS),
    ("client", CONNECTIONS),
    ("per", PER),
    ("each", PER),
    ("from", PER),
    ("addresses", ADDRESS),
    ("address", ADDRESS),
    ("addr", ADDRESS),
    ("ip", ADDRESS),
    ("host", ADDRESS),
    ("port", PORT),
    ("listen", LISTEN),
    ("bind", LISTEN),
    ("local", LISTEN),
    ("first", FIRST),
    ("idle", IDLE),
    ("timeout", TIMEOUT),
    ("time", TIMEOUT),
    ("seconds", NOISE),
    ("sec", NOISE),
    ("log", LOG),
    ("level", LEVEL),
];

/// What names mean whose words stand for all of these and for nothing else.
const MEANINGS: [(u16, Meaning); 13] = [
    (PORT, Meaning::Port),
    (PORT | LISTEN, Meaning::Port),
    (LISTEN, Meaning::Listen),
    (ADDRESS, Meaning::Listen),
    (ADDRESS | LISTEN, Meaning::Listen),
    (CONNECTIONS | PER | ADDRESS, Meaning::PerAddress),
    (MOST | PER | ADDRESS, Meaning::PerAddress),
    (MOST | CONNECTIONS | PER | ADDRESS, Meaning::PerAddress),
    (MOST | CONNECTIONS | ADDRESS, Meaning::PerAddress),
    (MOST | CONNECTIONS, Meaning::Connections),
    (FIRST | TIMEOUT, Meaning::FirstByte),
    (IDLE | TIMEOUT, Meaning::Idle),
    (LOG | LEVEL, Meaning::LogLevel),
];

/// What a setting of this name is, if that is plain.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    if name.len() > LONGEST {
        return None;
    }
    let name: String = name.chars().filter(|c| !matches!(c, '-' | '_' | '.')).collect();
    let words = words(&name.to_ascii_lowercase())?;
    MEANINGS.iter().find(|(all, _)| *all == words).map(|(_, meaning)| *meaning)
}

/// What the words stand for that a name is made of, if there is nothing else in it.
fn words(name: &str) -> Option<u16> {
    let name = name.as_bytes();
    // for each place what the words from there on stand for, from the end on
    let mut from: Vec<Option<u16>> = vec![None; name.len() + 1];
    from[name.len()] = Some(NOISE);
    for at in (0..name.len()).rev() {
        from[at] = WORDS.iter().find_map(|(word, kind)| {
            let rest = name[at..].strip_prefix(word.as_bytes())?;
            Some(from[name.len() - rest.len()]? | kind)
        });
    }
    from[0]
}
