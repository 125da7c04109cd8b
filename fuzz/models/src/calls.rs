//! Calls with answers between two ends on one link, offline: each call that is open ends once, with
//! its own answer if both ends are honest, and whatever an end says that is not.

use peote_net::link::{
    Channel, EnteredChannel, Event, Flow, Link, Mode, Out, OwnChannel, SendError, Source, link_buffers,
};
use peote_net::offline::Offline;
use peote_net::rpc::{CallId, Calls, Error, Heard, Remote, Ticket, remote};
use peote_net::time::{Duration, Instant};

use super::Input;

type Memory = link_buffers!(
    chunk: 64, parties: 4, own_channels: 1, transmit: 512, receive: 512, local_users: 2, line: 200,
);

/// Calls that are open at a time.
const OPEN: usize = 4;
const MODE: Mode = Mode::rpc(64);

#[remote]
trait Store {
    fn next(&mut self, number: u32) -> u32;
    fn later(&mut self, ticket: Ticket<u32>, number: u32);
}

/// The end that is called.
#[derive(Default)]
struct Shop {
    tickets: Vec<(Ticket<u32>, u32)>,
}

impl Store for Shop {
    fn next(&mut self, number: u32) -> u32 {
        number.wrapping_add(1)
    }
    fn later(&mut self, ticket: Ticket<u32>, number: u32) {
        self.tickets.push((ticket, number));
    }
}

struct World {
    is_honest: bool,
    now: Instant,
    server: OwnChannel,
    user: EnteredChannel,
    has_to_enter: bool,
    ours: Calls<OPEN, 2>,
    theirs: Calls<OPEN, 2>,
    shop: Shop,
    store: Option<Remote>,
    next: u32,
    /// The calls that are open, with what they ask.
    open: Vec<(CallId<u32>, u32)>,
}

/// Tries one input.
///
/// # Panics
/// A call has ended twice, without having been made, or with the answer to another one.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut link = Link::<Memory>::with_local_users();
    let mut transport = Offline::new();
    let server = link.out().create("c", MODE).expect("it is the first");
    let user = link.out().enter("c", MODE).expect("it is the first");
    let interface: &'static [_] = &[(0, StoreCaller::INTERFACE)];
    let mut world = World {
        is_honest: input.below(2) == 0,
        now: Instant::ZERO,
        server,
        user,
        has_to_enter: false,
        ours: Calls::new(interface, &[]),
        theirs: Calls::new(&[], interface),
        shop: Shop::default(),
        store: None,
        next: 0,
        open: Vec::new(),
    };
    for _ in 0..3 {
        world.poll(&mut link, &mut transport);
    }
    while !input.is_empty() {
        world.step(&mut input, &mut link, &mut transport);
        world.ended();
        assert_eq!(world.theirs.open_calls(), world.open.len());
        assert_eq!(world.ours.open_calls(), 0);
    }
}

impl World {
    fn step(&mut self, input: &mut Input<'_>, link: &mut Link<Memory>, transport: &mut Offline) {
        let out = &mut link.out();
        match input.below(10) {
            at @ (0 | 1) => self.call(out, at == 0),
            2 => {
                let Some((at, (ticket, number))) = pick(input, &self.shop.tickets) else { return };
                if ticket.answer(out, &number.wrapping_add(1)) != Err(SendError::WouldBlock) {
                    self.shop.tickets.swap_remove(at);
                }
            }
            3 => {
                let Some((at, (ticket, _))) = pick(input, &self.shop.tickets) else { return };
                if ticket.refuse(out) != Err(SendError::WouldBlock) {
                    self.shop.tickets.swap_remove(at);
                }
            }
            4 => {
                let Some((at, (call, _))) = pick(input, &self.open) else { return };
                let _ = self.theirs.cancel(call, out);
                self.open.swap_remove(at);
            }
            5 => {
                let Some((_, (call, _))) = pick(input, &self.open) else { return };
                let millis = u64::try_from(input.below(50)).unwrap_or_default();
                self.theirs.set_deadline(call, self.now + Duration::from_millis(millis));
            }
            6 if !self.is_honest => {
                let len = 1 + input.below(12);
                let bytes = [&[input.choose(&[0, 254, 255])], input.bytes(len)].concat();
                let _ = match input.below(2) {
                    0 => out.send(self.user, &bytes),
                    _ => out.send(peote_net::link::Destination::All(self.server), &bytes),
                };
            }
            7 if let Some(Source::User { user, .. }) =
                self.shop.tickets.first().map(|(ticket, _)| ticket.from()) =>
            {
                let _ = out.remove_user(self.server, user);
            }
            8 => {
                self.now =
                    self.now + Duration::from_millis(u64::try_from(input.below(50)).unwrap_or_default());
            }
            _ => self.poll(link, transport),
        }
    }

    fn call(&mut self, out: &mut Out<'_>, is_at_once: bool) {
        let Some(store) = self.store.map(StoreCaller::new) else { return };
        let number = self.next;
        let call = match is_at_once {
            true => store.next(out, &mut self.theirs, number),
            false => store.later(out, &mut self.theirs, number),
        };
        match call {
            Ok(call) => {
                assert!(self.open.len() < OPEN && self.open.iter().all(|(other, _)| *other != call));
                self.open.push((call, number));
                self.next = number.wrapping_add(1);
            }
            Err(SendError::TooManyCalls) => assert_eq!(self.open.len(), OPEN),
            Err(_) => {}
        }
    }

    fn poll(&mut self, link: &mut Link<Memory>, transport: &mut Offline) {
        if self.has_to_enter
            && let Ok(user) = link.out().enter("c", MODE)
        {
            (self.user, self.has_to_enter) = (user, false);
        }
        let now = self.now;
        // an end that is gone by now is no finding
        let _ = link.poll(transport, now, |event, out| self.handle(event, out));
    }

    fn handle(&mut self, event: Event<'_>, out: &mut Out<'_>) -> Result<Flow, SendError> {
        if matches!(event.channel(), Some(Channel::Own(_))) {
            return match self.ours.handle(event, out)? {
                Heard::Call(call) if call.object() == 0 => {
                    self.shop.dispatch(&call, out).or_else(Error::pass_over)
                }
                _ => Ok(Flow::Continue),
            };
        }
        match self.theirs.handle(event, out)? {
            Heard::Offer(store) if store.object() == 0 => self.store = Some(store),
            Heard::Answer(answer) => {
                let at = self.open.iter().position(|(call, _)| answer.is(*call));
                let at = at.expect("the answer to an open call");
                let (call, number) = self.open.swap_remove(at);
                if self.is_honest {
                    assert_eq!(answer.to(call), Some(Ok(number.wrapping_add(1))));
                }
            }
            Heard::Ended(ended) if self.is_honest => self.end(|call| ended.is(call)),
            Heard::Ended(ended) => self.open.retain(|(call, _)| !ended.is(*call)),
            Heard::Other(Event::Closed { .. } | Event::Refused { .. }) => {
                (self.store, self.has_to_enter) = (None, true);
            }
            _ => {}
        }
        Ok(Flow::Continue)
    }

    fn ended(&mut self) {
        while let Some(ended) = self.theirs.next_ended(self.now) {
            self.end(|call| ended.is(call));
        }
        assert_eq!(self.ours.next_ended(self.now).map(|ended| ended.why), None);
    }

    fn end(&mut self, is: impl Fn(CallId<u32>) -> bool) {
        let at = self.open.iter().position(|(call, _)| is(*call)).expect("an open call has ended");
        self.open.swap_remove(at);
    }
}

fn pick<T: Copy>(input: &mut Input<'_>, from: &[T]) -> Option<(usize, T)> {
    let at = input.below(from.len().max(1));
    Some((at, *from.get(at)?))
}
