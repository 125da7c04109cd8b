//! Sends back every WebSocket message, on the transport of the relay. It is what conformance tests
//! are run against; see `docs/WEBSOCKET.md`.
//!
//! ```text
//! cargo run --release -p peote-relay --example websocket-echo -- 127.0.0.1:9001
//! ```

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;

use peote_relay::websocket::{Event, Failure, Kind, WebSocket, handshake};

/// Bytes that are read at once. A message that is longer goes back in several frames.
const READ: usize = 64 * 1024;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = TcpListener::bind(&address)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (socket, peer) = listener.accept()?;
        std::thread::spawn(move || {
            if let Err(error) = serve(socket) {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// One connection, to its end.
fn serve(mut socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut web_socket = WebSocket::with_text();
    let mut buffer = Vec::new();
    loop {
        let mut more = [0; 1024];
        match socket.read(&mut more)? {
            0 => return Ok(()),
            len => buffer.extend(&more[..len]),
        }
        match handshake(&buffer) {
            Ok(None) => {}
            Ok(Some((len, response))) => {
                web_socket.respond(&response);
                buffer.drain(..len);
                break;
            }
            Err(response) => return socket.write_all(&response),
        }
    }
    let mut writer = Writer::new(&socket)?;
    let mut end = buffer.len();
    buffer.resize(READ, 0);
    let mut text = Text::default();
    let mut is_first = true;
    loop {
        let mut bytes = &mut buffer[..end];
        while !bytes.is_empty() {
            let (used, event) = match web_socket.read(bytes).and_then(|read| text.check(read, bytes)) {
                Ok(read) => read,
                Err(failure) => {
                    web_socket.close(Some(failure.code()));
                    return writer.finish(&mut socket, &mut web_socket);
                }
            };
            match event {
                Some(Event::Payload { kind, range, is_last }) => {
                    web_socket.begin(kind, is_first, is_last, range.len());
                    is_first = is_last;
                    writer.send(&mut web_socket, &bytes[range]);
                }
                Some(_) => return writer.finish(&mut socket, &mut web_socket),
                None => {}
            }
            bytes = &mut bytes[used..];
        }
        // pongs, and the response to the handshake
        writer.send(&mut web_socket, &[]);
        end = match socket.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
    }
}

/// Writes on a thread of its own, so that an endpoint that sends a long message before it reads
/// anything can do so.
struct Writer {
    queue: mpsc::Sender<Vec<u8>>,
    thread: JoinHandle<io::Result<()>>,
}

impl Writer {
    fn new(socket: &TcpStream) -> io::Result<Self> {
        let mut socket = socket.try_clone()?;
        let (queue, queued) = mpsc::channel::<Vec<u8>>();
        let thread = std::thread::spawn(move || {
            queued.iter().try_for_each(|bytes| socket.write_all(&bytes))?;
            socket.shutdown(Shutdown::Write)
        });
        Ok(Self { queue, thread })
    }

    /// Writes all that there is to be written, with this payload.
    fn send(&mut self, web_socket: &mut WebSocket, payload: &[u8]) {
        let all = [&web_socket.head().concat(), payload].concat();
        web_socket.advance(all.len());
        // fails if writing has failed; then reading does as well
        let _ = self.queue.send(all);
    }

    /// Says the last word, and waits until the endpoint has heard it.
    fn finish(mut self, socket: &mut TcpStream, web_socket: &mut WebSocket) -> io::Result<()> {
        self.send(web_socket, &[]);
        drop(self.queue);
        let written = self.thread.join().unwrap_or(Ok(()));
        let mut waste = [0; 4096];
        while socket.read(&mut waste)? > 0 {}
        written
    }
}

/// Checks that text is UTF-8, as it comes.
#[derive(Default)]
struct Text {
    /// The beginning of a character whose rest is in the next piece.
    cut: Vec<u8>,
}

type Received = (usize, Option<Event>);

impl Text {
    fn check(&mut self, read: Received, bytes: &[u8]) -> Result<Received, Failure> {
        const WRONG: Failure = Failure::new(1007, "text that is not UTF-8");
        if let Some(Event::Payload { kind: Kind::Text, range, is_last }) = &read.1 {
            let mut text = std::mem::take(&mut self.cut);
            text.extend(&bytes[range.clone()]);
            if let Err(error) = str::from_utf8(&text) {
                if error.error_len().is_some() || *is_last {
                    return Err(WRONG);
                }
                self.cut = text.split_off(error.valid_up_to());
            }
        }
        Ok(read)
    }
}
