//! What the program of a life does of its own accord.

use peote_net::chunk::ChunkLimit;
use peote_net::link::{Channel, Mode, Out, SendError, User};
use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::protocol::to_relay::Command;

use super::super::memory::CHUNK;
use super::super::state::{Handle, Phase};
use super::{Parts, Program, check_asked, length_field};

impl Program<'_> {
    pub(super) fn act(&mut self, out: &mut Out<'_>) {
        let choice = self.input.below(16);
        let (free, there) = (out.free(), self.channels.alive());
        match choice {
            0..=3 => self.ask(choice < 2, out),
            4 if !there.is_empty() => {
                let handle = there[self.input.below(there.len())];
                self.give_up(handle, out);
            }
            5 | 6 => self.parts(out),
            15 if !self.channels.all.is_empty() => self.end_user(out),
            _ if !self.channels.all.is_empty() => {
                let at = self.input.below(self.channels.all.len());
                self.send(self.channels.all[at].handle, out);
            }
            _ => {}
        }
        assert!(out.free() <= free, "something that was queued is gone");
    }

    fn ask(&mut self, create: bool, out: &mut Out<'_>) {
        let len = if self.input.byte() < 230 { 1 } else { self.input.below(256) };
        let name = vec![b'n'; len];
        let limits = [1, 4, 256, 257, 300];
        let mode = match self.input.below(7) {
            0 | 1 => Mode::Data,
            2 => Mode::Chunks(ChunkLimit::new(4).among(32_768)),
            _ => Mode::chunks(self.input.choose(&limits)),
        };
        let free = out.free();
        let (command, asked) = if create {
            (Command::Create, out.create(&name, mode).map(Handle::Own))
        } else {
            (Command::Enter, out.enter(&name, mode).map(Handle::Entered))
        };
        match asked {
            Ok(handle) => {
                assert_eq!(out.free(), free - name.len() - 4, "the bytes of a command");
                self.channels.asked(handle, mode);
                self.said.ask(command, &name, handle);
            }
            Err(error) => {
                assert_eq!(out.free(), free, "it was not queued, and takes room");
                let right = match error {
                    SendError::WouldBlock => free < name.len() + 4,
                    SendError::TooManyOwnChannels => create,
                    SendError::TooManyParties | SendError::TooManyEnteredChannels => !create,
                    SendError::TooManyCommands => true,
                    _ => false,
                };
                assert!(right, "asking for a channel: {error}");
            }
        }
    }

    pub(super) fn give_up(&mut self, handle: Handle, out: &mut Out<'_>) {
        let open = self.channels.get(handle).is_some_and(|channel| channel.phase == Phase::Open);
        let free = out.free();
        let (command, done) = match handle {
            Handle::Own(channel) => (Command::Delete, out.delete(channel)),
            Handle::Entered(channel) => (Command::Leave, out.leave(channel)),
        };
        match done {
            Ok(()) => {
                self.channels.give_up(handle);
                let of_handle = |channel| match channel {
                    Channel::Own(channel) => handle == Handle::Own(channel),
                    Channel::Entered(channel) => handle == Handle::Entered(channel),
                };
                self.kept.retain(|kept| kept.party.is_none_or(|(channel, _)| !of_handle(channel)));
                if open && out.free() == free {
                    assert!(self.has_kept && matches!(handle, Handle::Entered(_)), "nothing was said");
                } else if open {
                    let number = self.number(handle);
                    self.said.command_without_answer(command, &[number]);
                } else {
                    self.unwanted.push(handle);
                }
            }
            Err(SendError::WouldBlock) => {}
            Err(SendError::NotOpen) => assert!(!self.kept.is_empty(), "it is there"),
            Err(error) => panic!("giving up a channel: {error}"),
        }
    }

    /// Removes or blocks a user, who may be there or not.
    pub(super) fn end_user(&mut self, out: &mut Out<'_>) {
        let handle = self.channels.all[self.input.below(self.channels.all.len())].handle;
        let Handle::Own(channel) = handle else { return };
        let known = self.channels.get(handle).filter(|known| known.phase == Phase::Open);
        let known: Vec<u16> = known.map(|known| known.users.iter().copied().collect()).unwrap_or_default();
        let user = User::new(self.input.byte() % 7);
        let there = known.contains(&user.number());
        let (free, possible) = (out.free(), out.relay_capabilities());
        self.heard.borrow().check_capabilities(possible, false);
        let (command, needed, done) = if self.input.byte() & 1 == 0 {
            (Command::RemoveUser, Capabilities::REMOVE_USER, out.remove_user(channel, user))
        } else {
            (Command::BlockUser, Capabilities::BLOCK_USER, out.block_user(channel, user))
        };
        let possible = possible.contains(needed);
        // what is kept may be that somebody has come, or is gone
        let excused = self.has_kept || self.is_nonsense();
        match done {
            // it is gone, and that has not been told
            Ok(()) if self.has_kept && out.free() == free => return,
            Ok(()) => {
                assert!(possible, "a relay is told what it has not announced that it knows");
                assert!(there || excused, "nobody was removed");
                assert_eq!(free - out.free(), 6, "the bytes of a command");
                let number = self.number(handle);
                let user = u8::try_from(user.number()).expect("there are no local users");
                return self.said.command_without_answer(command, &[number, user]);
            }
            Err(SendError::NotOpen) => assert!(!there || self.has_kept, "somebody is there"),
            Err(SendError::Unsupported) => assert!(!possible && (there || excused), "it can be done"),
            Err(SendError::WouldBlock) => assert!(possible && free < 6 && (there || excused)),
            Err(error) => panic!("removing a user: {error}"),
        }
        assert_eq!(out.free(), free, "it was not queued, and takes room");
    }

    /// Begins a chunk in parts, or goes on with it.
    pub(super) fn parts(&mut self, out: &mut Out<'_>) {
        let Some(parts) = self.parts.take().filter(|_| out.unfinished() > 0) else {
            return self.begin(out);
        };
        assert_eq!(out.unfinished(), parts.left, "what a chunk in parts lacks");
        let len = 1 + self.input.below(200);
        let bytes = vec![0xa5; len];
        let free = out.free();
        match out.write_chunk(&bytes) {
            Ok(count) => {
                assert!((1..=len).contains(&count));
                if self.has_kept && out.free() == free {
                    let left = parts.left - count;
                    self.parts = Some(Parts { left, ..parts }).filter(|_| left > 0);
                    return;
                }
                assert!(free - out.free() > count);
                let route = self.route(parts.handle, parts.to);
                self.said.data(route, parts.length.into_iter().chain(bytes[..count].iter().copied()));
                let left = parts.left - count;
                self.parts = Some(Parts { length: Vec::new(), left, ..parts }).filter(|_| left > 0);
                return;
            }
            Err(SendError::ChunkOverrun { left }) => assert!(left == parts.left && len > left),
            Err(SendError::WouldBlock) => {
                let has_windows = self.heard.borrow().has_hello();
                let may_send = out.window(parts.to).unwrap_or(if has_windows { 0 } else { 1 });
                // the length goes with the first byte
                assert!(free < 16 || may_send <= parts.length.len(), "there is room");
                check_asked(free - out.free(), has_windows);
                self.parts = Some(parts);
                return;
            }
            Err(error) => panic!("writing a part of a chunk: {error}"),
        }
        assert_eq!(out.free(), free);
        self.parts = Some(parts);
    }

    fn begin(&mut self, out: &mut Out<'_>) {
        if self.channels.all.is_empty() {
            return;
        }
        let at = self.input.below(self.channels.all.len());
        let handle = self.channels.all[at].handle;
        let (mode, phase) = (self.channels.all[at].mode, self.channels.all[at].phase);
        let (to, there) = self.destination(handle);
        let len = self.input.below(256) + self.input.below(CHUNK - 250);
        match out.begin_chunk(to, len) {
            Ok(()) => {
                let open = there && phase == Phase::Open;
                assert!(open || self.has_kept || self.is_nonsense(), "a chunk for nobody");
                assert_eq!(out.unfinished(), len);
                self.parts = Some(Parts { handle, to, length: length_field(mode, len), left: len });
            }
            Err(SendError::NotOpen) => {
                let right = !there || phase != Phase::Open || mode == Mode::Data || self.has_kept;
                assert!(right, "somebody is there");
            }
            Err(SendError::Empty) => assert_eq!(len, 0),
            Err(SendError::ChunkTooLarge { max, .. }) => assert!(len > max as usize),
            Err(error) => panic!("beginning a chunk: {error}"),
        }
    }
}
