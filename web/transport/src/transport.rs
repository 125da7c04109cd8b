//! A WebSocket with the traits of embedded-io.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};

use crate::WebError;

/// Bytes that are gathered for one message of the WebSocket.
const MESSAGE: usize = 65_536;

/// Bytes that the browser may hold before the transport takes no more.
const UNDER_WAY: u32 = 1 << 20;

/// A WebSocket as a transport of a [`Link`](peote_net::link::Link). Nothing blocks: a page has one
/// thread, and it may not wait.
///
/// The bytes of the protocol are in binary messages; how they are cut means nothing (PROTOCOL.md,
/// section 1, and WEBSOCKET.md). Until the connection is there, the transport is not ready to
/// write, and what the link has queued waits.
///
/// A browser reads a WebSocket whether the page wants it or not. What has come waits in memory
/// until the link reads it, so flow control (feature `flow`, on here) is what bounds it.
pub struct WebSocketTransport {
    socket: WebSocket,
    shared: Rc<Shared>,
    /// What was written and not flushed: at most `MESSAGE` bytes.
    gathered: Vec<u8>,
    _closures: Closures,
}

/// What the browser calls. It has to live as long as the socket does.
struct Closures {
    _open: Closure<dyn FnMut(Event)>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

/// What the browser's calls and the transport share.
struct Shared {
    url: String,
    inner: RefCell<Inner>,
    /// Called when something has happened.
    waker: RefCell<Option<Box<dyn FnMut()>>>,
}

#[derive(Default)]
struct Inner {
    /// The connection is there.
    is_open: bool,
    /// Messages that have come; of the first, `read` bytes are read.
    messages: VecDeque<Vec<u8>>,
    read: usize,
    /// How the connection has ended.
    end: Option<WebError>,
}

impl WebSocketTransport {
    /// Begins to connect to a relay's WebSocket: `ws://host:port/`, or `wss://` over TLS. Does not
    /// block: [`is_open`](Self::is_open) says when the connection is there, and the link loses its
    /// connection if it does not come about.
    ///
    /// # Errors
    ///
    /// The address is none, or a page from `https://` wants to connect without TLS.
    pub fn connect(url: &str) -> Result<Self, WebError> {
        let socket = WebSocket::new(url).map_err(|_| WebError::Address { url: url.into() })?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let shared =
            Rc::new(Shared { url: url.into(), inner: RefCell::default(), waker: RefCell::default() });
        let closures = Closures::new(&socket, &shared);
        Ok(Self { socket, shared, gathered: Vec::new(), _closures: closures })
    }

    /// Returns whether the connection is there.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let inner = self.shared.inner.borrow();
        inner.is_open && inner.end.is_none()
    }

    /// Sets what is called when the connection is there, has brought bytes or has ended: a page
    /// that has no frames polls its link then. It is called by the browser, never inside another
    /// call of this type. Replaces the one before.
    pub fn on_ready(&self, waker: impl FnMut() + 'static) {
        *self.shared.waker.borrow_mut() = Some(Box::new(waker));
    }

    /// Sends what is gathered as one message.
    fn send(&mut self) {
        // a socket that has ended says so by `end`; what is sent through it is lost
        let _ = self.socket.send_with_u8_array(&self.gathered);
        self.gathered.clear();
    }
}

impl fmt::Debug for WebSocketTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketTransport")
            .field("url", &self.shared.url)
            .field("is_open", &self.is_open())
            .finish()
    }
}

impl Closures {
    fn new(socket: &WebSocket, shared: &Rc<Shared>) -> Self {
        let of = Rc::clone(shared);
        let open = Closure::<dyn FnMut(Event)>::new(move |_| {
            of.inner.borrow_mut().is_open = true;
            of.wake();
        });
        let of = Rc::clone(shared);
        let message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| of.came(&message));
        let of = Rc::clone(shared);
        let close = Closure::<dyn FnMut(CloseEvent)>::new(move |close: CloseEvent| of.ended(&close));
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        Self { _open: open, _message: message, _close: close }
    }
}

impl Shared {
    fn came(&self, message: &MessageEvent) {
        // a message of text means nothing here; the relay sends none
        let Ok(buffer) = message.data().dyn_into::<ArrayBuffer>() else { return };
        let bytes = Uint8Array::new(&buffer).to_vec();
        if !bytes.is_empty() {
            self.inner.borrow_mut().messages.push_back(bytes);
        }
        self.wake();
    }

    fn ended(&self, close: &CloseEvent) {
        let mut inner = self.inner.borrow_mut();
        inner.end = Some(match inner.is_open {
            true => WebError::Ended { code: close.code(), reason: close.reason() },
            false => WebError::Unreachable { url: self.url.clone() },
        });
        drop(inner);
        self.wake();
    }

    fn wake(&self) {
        // taken out meanwhile: it may set another
        let waker = self.waker.borrow_mut().take();
        if let Some(mut waker) = waker {
            waker();
            self.waker.borrow_mut().get_or_insert(waker);
        }
    }
}

impl Inner {
    /// Moves what has come into `buffer`, and returns how many bytes.
    fn read(&mut self, buffer: &mut [u8]) -> usize {
        let mut len = 0;
        while let Some(first) = self.messages.front() {
            let (rest, room) = (&first[self.read..], &mut buffer[len..]);
            let count = rest.len().min(room.len());
            room[..count].copy_from_slice(&rest[..count]);
            (self.read, len) = (self.read + count, len + count);
            if self.read < first.len() {
                break;
            }
            self.messages.pop_front();
            self.read = 0;
        }
        len
    }
}

impl ErrorType for WebSocketTransport {
    type Error = WebError;
}

impl ReadReady for WebSocketTransport {
    fn read_ready(&mut self) -> Result<bool, WebError> {
        let inner = self.shared.inner.borrow();
        Ok(!inner.messages.is_empty() || inner.end.is_some())
    }
}

impl Read for WebSocketTransport {
    /// Returns 0 where the relay has ended the connection in order (code 1000 or 1001).
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, WebError> {
        let mut inner = self.shared.inner.borrow_mut();
        match (inner.read(buffer), &inner.end) {
            (0, None | Some(WebError::Ended { code: 1000 | 1001, .. })) => Ok(0),
            (0, Some(end)) => Err(end.clone()),
            (len, _) => Ok(len),
        }
    }
}

impl WriteReady for WebSocketTransport {
    fn write_ready(&mut self) -> Result<bool, WebError> {
        Ok(self.is_open() && self.gathered.len() < MESSAGE && self.socket.buffered_amount() < UNDER_WAY)
    }
}

impl Write for WebSocketTransport {
    /// Gathers bytes; [`flush`](Self::flush) hands them to the browser.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, WebError> {
        let room = MESSAGE.saturating_sub(self.gathered.len());
        let taken = &bytes[..bytes.len().min(room)];
        self.gathered.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> Result<(), WebError> {
        if self.is_open() && !self.gathered.is_empty() {
            self.send();
        }
        Ok(())
    }
}

impl Drop for WebSocketTransport {
    /// Ends the connection in order. What was flushed is still sent.
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_at_any_cut() {
        let said: Vec<Vec<u8>> = vec![vec![1], vec![2, 3, 4], vec![5; 7]];
        let all = said.concat();
        for size in 1..=all.len() + 1 {
            let mut inner = Inner { messages: said.clone().into(), ..Inner::default() };
            let (mut heard, mut buffer) = (Vec::new(), vec![0; size]);
            loop {
                let len = inner.read(&mut buffer);
                heard.extend(&buffer[..len]);
                if len == 0 {
                    break;
                }
            }
            assert_eq!((heard, inner.read, inner.messages.len()), (all.clone(), 0, 0), "{size}");
        }
    }
}
