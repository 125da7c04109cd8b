//! Connections that limits turn away, for the moment that it takes to see whether they only want a
//! page.
//!
//! A relay that is as full as it may be is well, and whoever watches it has to see that. So a few
//! of these connections are kept until their request has come: addresses of `watch-from` get their
//! page, others are told that the relay is full. Whoever speaks anything but HTTP is turned away at
//! its first byte. These are no connections to all the rest of the relay, and limits do not count
//! them.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

use tracing::info;

use super::Relay;
use crate::causes::{Closed, TurnedAway};
use crate::connection::begins_http;
use crate::listen;
use crate::pages::{Answer, Page, Request, Response};
use crate::system::{Interest, TcpStream, Token};

/// Those that are kept at the same time, of watchers and of others. When there is one more, the
/// oldest goes.
const MOST: usize = 8;

/// Milliseconds until the first byte of one has come, and from then on until the whole request has.
/// HTTP is spoken at once.
const FIRST_BYTE: u64 = 500;
const REQUEST: u64 = 1000;

/// Pages that are shown to them in a second: whoever comes too often must not make the relay work.
const PAGES: u32 = 50;

/// The tokens of these sockets: above those of sockets that have ended, below those of listening
/// sockets.
const FIRST_TOKEN: usize = (1 << 30) + (1 << 20);

/// How many tokens there are: more than sockets, so that none is in use twice.
const TOKENS: usize = 1 << 10;

/// Connections that were turned away, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Anteroom {
    guests: VecDeque<Guest>,
    next: usize,
    /// The second in which a page was shown last, and how many were in it.
    second: u64,
    shown: u32,
}

#[derive(Debug)]
struct Guest {
    socket: TcpStream,
    address: SocketAddr,
    token: usize,
    until: u64,
    /// Why it is here.
    cause: TurnedAway,
    /// It is of `watch-from`.
    is_watcher: bool,
    request: Request,
    has_begun: bool,
}

/// What becomes of one of them.
#[derive(Debug)]
enum Fate {
    /// It has said no more than a part of a request.
    Waits,
    /// It does not speak HTTP, or has ended.
    TurnedAway,
    /// It is told this, and turned away.
    Told(Response),
    /// It gets this, as if there had been no limit.
    Shown(Response, Closed),
}

impl Anteroom {
    pub(super) fn len(&self) -> usize {
        self.guests.len()
    }

    /// When the next one goes, in milliseconds.
    pub(super) fn next(&self) -> Option<u64> {
        self.guests.iter().map(|guest| guest.until).min()
    }

    /// Whether one more page may be shown; `now` in milliseconds.
    fn may_show(&mut self, now: u64) -> bool {
        let second = now / 1000;
        if second != self.second {
            (self.second, self.shown) = (second, 0);
        }
        self.shown += 1;
        self.shown <= PAGES
    }

    /// Takes the oldest of one kind out if there are as many as there may be.
    fn make_room(&mut self, is_watcher: bool) -> Option<Guest> {
        let same = |guest: &&Guest| guest.is_watcher == is_watcher;
        let is_full = self.guests.iter().filter(same).count() >= MOST;
        let oldest = self.guests.iter().position(|guest| same(&guest)).filter(|_| is_full)?;
        self.guests.remove(oldest)
    }
}

impl Relay {
    /// Turns a connection away that is above a limit, unless it turns out to want a page.
    pub(super) fn receive_guest(
        &mut self,
        mut socket: TcpStream,
        address: SocketAddr,
        is_tls: bool,
        cause: TurnedAway,
    ) {
        let is_watcher = self.connections.config.allows_watching_from(address.ip());
        // a handshake of TLS is more work than somebody may cause who is turned away
        let is_unwanted = matches!(cause, TurnedAway::AddressNotAllowed | TurnedAway::Banned);
        let may_ask = !is_tls && (is_watcher || !is_unwanted);
        let token = FIRST_TOKEN + self.anteroom.next;
        let interest = Interest::READABLE;
        if !may_ask || self.poll.registry().register(&mut socket, Token(token), interest).is_err() {
            return self.turn_away(address, cause, None);
        }
        if let Some(oldest) = self.anteroom.make_room(is_watcher) {
            self.turn_away(oldest.address, oldest.cause, None);
        }
        self.anteroom.next = (self.anteroom.next + 1) % TOKENS;
        let until = self.connections.now + FIRST_BYTE;
        let (request, has_begun) = (Request::default(), false);
        self.anteroom.guests.push_back(Guest {
            socket,
            address,
            token,
            until,
            cause,
            is_watcher,
            request,
            has_begun,
        });
    }

    /// Lets those go whose time is over.
    pub(super) fn expire_guests(&mut self, now: u64) {
        let is_over = |guest: &Guest| guest.until <= now;
        while let Some(place) = self.anteroom.guests.iter().position(is_over) {
            let Some(guest) = self.anteroom.guests.remove(place) else { return };
            self.turn_away(guest.address, guest.cause, None);
        }
    }

    /// Something has come for one of them, if the token is one of theirs.
    pub(super) fn note_guest(&mut self, token: usize) {
        let Some(place) = self.anteroom.guests.iter().position(|guest| guest.token == token) else { return };
        let Some(mut guest) = self.anteroom.guests.remove(place) else { return };
        match self.hear(&mut guest) {
            Fate::Waits => self.anteroom.guests.insert(place, guest),
            Fate::TurnedAway => self.turn_away(guest.address, guest.cause, None),
            Fate::Told(response) => {
                self.turn_away(guest.address, guest.cause, None);
                self.tell(guest, &response);
            }
            Fate::Shown(response, cause) => {
                self.accepted += 1;
                self.closings.add(cause);
                let home = self.connections.addresses.home(guest.address.ip());
                if self.connections.lines.may_tell(self.connections.now, "pages", home) {
                    let (address, limit, why) = (guest.address, guest.cause, response.status);
                    info!(%address, %cause, %limit, why, "HTTP request answered above a limit");
                }
                self.tell(guest, &response);
            }
        }
    }

    /// Reads what has come.
    fn hear(&mut self, guest: &mut Guest) -> Fate {
        let mut bytes = [0; 4096];
        loop {
            let len = match guest.socket.read(&mut bytes) {
                Ok(len @ 1..) => len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Fate::Waits,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                _ => return Fate::TurnedAway,
            };
            if !std::mem::replace(&mut guest.has_begun, true) {
                if !begins_http(bytes[0]) {
                    return Fate::TurnedAway;
                }
                guest.until = self.connections.now + REQUEST;
            }
            let full = |guest: &Guest| Fate::Told(guest.request.full(guest.cause));
            match guest.request.receive(&bytes[..len], &self.connections.config) {
                Answer::Wait => {}
                Answer::Refuse(refusal, cause) if guest.is_watcher => {
                    return Fate::Shown(guest.request.refuse(refusal), cause);
                }
                Answer::Page(page) if guest.is_watcher && self.anteroom.may_show(self.connections.now) => {
                    let (response, cause) = self.page_for_guest(guest, page);
                    return Fate::Shown(response, cause);
                }
                Answer::Upgrade(..) | Answer::Refuse(..) | Answer::Page(_) => return full(guest),
            }
        }
    }

    fn page_for_guest(&mut self, guest: &Guest, page: Page) -> (Response, Closed) {
        if matches!(page, Page::Health) && self.is_draining() {
            return (guest.request.draining(), Closed::Page);
        }
        match self.content(page) {
            Some(content) => (guest.request.page(page, &content), Closed::Page),
            None => (guest.request.not_found(), Closed::BadRequest),
        }
    }

    /// Sends the last that is said to one of them.
    fn tell(&mut self, mut guest: Guest, response: &Response) {
        self.http_requests += 1;
        listen::make_room(&guest.socket, response.bytes.len());
        let is_told = guest.socket.write(&response.bytes).is_ok_and(|len| len == response.bytes.len());
        // fails only for a socket that is gone already
        let _ = self.poll.registry().deregister(&mut guest.socket);
        if is_told {
            self.linger(guest.socket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_pages_are_shown_in_a_second() {
        let mut anteroom = Anteroom::default();
        for second in [0, 1, 7] {
            let shown = (0..1000).filter(|millis| anteroom.may_show(second * 1000 + millis)).count();
            assert_eq!(shown, PAGES as usize);
        }
    }
}
