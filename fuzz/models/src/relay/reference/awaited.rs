//! Endpoints whose first command says that a hello will come, and how much may be under way to them
//! until then.

use super::windows::{SERVER, USER};
use super::{Model, Stage};

/// Milliseconds for which a hello is awaited.
const PATIENCE: u64 = 3_000;

impl Model {
    /// Whether what existing endpoints send there is held to a window.
    pub(super) fn has_window(&self, of: usize) -> bool {
        matches!(self.endpoints[&of].stage, Stage::Part | Stage::Awaited { .. })
    }

    pub(super) fn is_awaited(&self, of: usize) -> bool {
        matches!(self.endpoints[&of].stage, Stage::Awaited { .. })
    }

    pub(super) fn may_say_hello(&self, of: usize) -> bool {
        !matches!(self.endpoints[&of].stage, Stage::Part | Stage::Existing)
    }

    /// An endpoint gives its first command.
    pub(super) fn begins(&mut self, from: usize, command: u8, tag: u8) {
        let (hello, most, now, order) = (self.hello, self.window, self.now, self.begun);
        let endpoint = self.endpoints.get_mut(&from).unwrap();
        if endpoint.stage != Stage::New {
            return;
        }
        endpoint.stage = Stage::Fresh;
        if hello && command < 2 && tag >= 240 && 1 << (tag - 240) < most {
            endpoint.window = 1 << (tag - 240);
            endpoint.stage = Stage::Awaited { until: now + PATIENCE, order };
            self.begun += 1;
        }
    }

    /// The relay has looked at what comes behind all that has been fed, and may have gone no
    /// further because it had done enough. `is_awaited`: what it says of the endpoint.
    pub(in crate::relay) fn is_looked_at(
        &mut self,
        from: usize,
        rest: &[u8],
        enough: bool,
        is_awaited: bool,
    ) {
        let endpoint = &self.endpoints[&from];
        if endpoint.left > 0 || !endpoint.head.is_empty() {
            return;
        }
        match *rest {
            [0, command, tag, len, ref payload @ ..] if payload.len() >= usize::from(len) && !enough => {
                self.begins(from, command, tag);
                if !matches!(command, 0 | 1 | 6) {
                    self.is_no_longer_fresh(from);
                }
            }
            [1..=255, ..] if !enough || !is_awaited => self.is_no_longer_fresh(from),
            _ => {}
        }
    }

    pub(super) fn is_no_longer_fresh(&mut self, of: usize) {
        if self.may_say_hello(of) {
            self.is_existing(of);
        }
    }

    fn is_existing(&mut self, of: usize) {
        let (was_awaited, told) = (self.is_awaited(of), self.endpoints[&of].window);
        self.endpoints.get_mut(&of).unwrap().stage = Stage::Existing;
        if !was_awaited {
            return;
        }
        for (name, user, side) in self.sides_of(of) {
            let key = self.sender_of(&name, user, side);
            if self.takes_part(key.0) {
                self.pass_grant(key, self.window - told);
                continue;
            }
            self.side(&name, user, side).left = None;
        }
    }

    /// Where an endpoint receives, without those that knock.
    pub(super) fn sides_of(&self, of: usize) -> Vec<(Vec<u8>, u8, usize)> {
        let mut sides = Vec::new();
        for (name, channel) in &self.channels {
            for (user, member) in channel.users.used.iter().filter(|(_, member)| member.knock.is_none()) {
                if member.connection == of {
                    sides.push((name.clone(), *user, USER));
                }
                if channel.server == of {
                    sides.push((name.clone(), *user, SERVER));
                }
            }
        }
        sides
    }

    /// Time has passed.
    pub(in crate::relay) fn ends_old_awaits(&mut self) {
        let mut old = Vec::new();
        for (of, endpoint) in &self.endpoints {
            if let Stage::Awaited { until, order } = endpoint.stage
                && until <= self.now
            {
                old.push((order, *of));
            }
        }
        old.sort_unstable();
        for (_, of) in old {
            self.is_existing(of);
        }
    }
}
