//! A NATS server, and its protocol spoken plainly.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::rigs::{self, Between, Message, Rig, payload};

/// Starts a server and waits until it accepts connections.
pub(crate) fn start() -> io::Result<(SocketAddr, Between)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let child = Command::new("nats-server")
        .args(["-a", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let between = Between::Nats(child);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut tries = 0;
    while let Err(error) = TcpStream::connect(address) {
        tries += 1;
        if tries > 500 {
            return Err(error);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok((address, between))
}

/// A client that subscribes to these subjects.
pub(crate) fn connect(address: SocketAddr, subjects: &[&str]) -> io::Result<TcpStream> {
    let mut socket = rigs::connect(address)?;
    let mut hello = String::from("CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\n");
    for (number, subject) in subjects.iter().enumerate() {
        hello += &format!("SUB {subject} {}\r\n", number + 1);
    }
    socket.write_all((hello + "PING\r\n").as_bytes())?;
    // INFO and PONG; the latter is the last line
    let mut seen = Vec::new();
    while !seen.ends_with(b"PONG\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        seen.push(byte[0]);
    }
    Ok(socket)
}

/// A message as it is published.
pub(crate) fn publish(subject: &str, payload: &[u8]) -> Vec<u8> {
    [format!("PUB {subject} {}\r\n", payload.len()).as_bytes(), payload, b"\r\n"].concat()
}

/// What comes before a message that is received, for the first subject of a client.
pub(crate) fn head(subject: &str, len: usize) -> String {
    format!("MSG {subject} 1 {len}\r\n")
}

/// Goes through all messages that are whole. Returns how many bytes they have.
pub(crate) fn take_messages(bytes: &[u8], len: usize, mut each: impl FnMut(&[u8])) -> usize {
    /// What a NATS server says of its own, soon after the beginning.
    const PING: &[u8] = b"PING\r\n";
    let mut rest = bytes;
    loop {
        if let Some(behind) = rest.strip_prefix(PING) {
            rest = behind;
        } else if let Some((message, behind)) = rest.split_at_checked(len) {
            each(message);
            rest = behind;
        } else {
            return bytes.len() - rest.len();
        }
    }
}

/// A publisher and subscribers of one subject, and another subject back.
pub(crate) fn rig(subscribers: usize) -> io::Result<Rig> {
    let (address, between) = start()?;
    let sender = connect(address, &["b"])?;
    let receivers = (0..subscribers).map(|_| connect(address, &["a"])).collect::<Result<_, _>>()?;
    fn message(subject: &str, len: usize) -> Message {
        Message { bytes: publish(subject, &payload(len)), received: head(subject, len).len() + len + 2 }
    }
    Ok(Rig {
        name: "nats-server",
        sender,
        receivers,
        message: |len| message("a", len),
        answer: |len| message("b", len),
        between,
    })
}
