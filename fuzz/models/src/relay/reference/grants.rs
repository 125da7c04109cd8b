//! What a sender that takes part is granted, by the relay for an existing endpoint, or by a
//! receiver that takes part. Grants that find no room wait and are added up, so only sums are
//! compared.

use peote_net::protocol::to_endpoint::Unit;

use super::windows::{SERVER, USER};
use super::{Key, Model};

/// What is still to be granted to one sender, in one direction of a membership.
#[derive(Clone, Debug, Default)]
pub(super) struct Grants {
    /// What was sent to an existing endpoint, and what the relay has granted for it.
    sent: u64,
    granted: u64,
    /// All that was sent when the sender asked last.
    asked: u64,
    /// Bytes of grants that are passed on.
    passed: u64,
    /// They have been more than a grant can say.
    is_saturated: bool,
    /// How many questions for a grant may come, and whether one has to.
    questions: u64,
    is_asked: bool,
    /// Of an earlier membership with the same number: it may come, or not.
    earlier: u64,
}

impl Grants {
    /// What the relay may not have granted yet.
    pub(super) const fn owed(&self) -> u64 {
        self.sent - self.granted
    }

    /// The membership is another one from now on, or the receiver takes part.
    const fn begin(&mut self) {
        self.earlier += self.passed + self.owed();
        (self.sent, self.granted, self.asked, self.passed) = (0, 0, 0, 0);
        (self.is_saturated, self.is_asked) = (false, false);
    }
}

impl Model {
    /// A membership begins, or one side of it takes part from now on.
    pub(super) fn begin_grants(&mut self, key: &Key) {
        if let Some(grants) = self.grants.get_mut(key) {
            grants.begin();
        }
    }

    /// Bytes go to an existing endpoint.
    pub(super) fn is_owed(&mut self, key: Key, bytes: u64) {
        self.grants.entry(key).or_default().sent += bytes;
    }

    /// What the relay may not have granted yet for an existing endpoint.
    pub(super) fn owed(&self, key: &Key) -> u64 {
        self.grants.get(key).map_or(0, Grants::owed)
    }

    /// A sender asks the relay for what it owes.
    pub(super) fn asks_the_relay(&mut self, key: &Key) {
        if let Some(grants) = self.grants.get_mut(key) {
            grants.asked = grants.sent;
        }
    }

    /// Whether the relay has been asked for a grant and owes it still, with `owed` bytes that it has
    /// not granted.
    pub(super) fn was_asked(&self, key: &Key, owed: u64) -> bool {
        self.grants.get(key).is_some_and(|grants| grants.sent - owed < grants.asked)
    }

    /// A sender is granted more, or asked for a grant (0 bytes), as soon as its queue has room.
    pub(super) fn pass_grant(&mut self, key: Key, bytes: u32) {
        let grants = self.grants.entry(key).or_default();
        grants.passed += u64::from(bytes);
        grants.is_saturated |= grants.passed > u64::from(super::windows::MOST);
        if bytes == 0 {
            grants.questions += 1;
            grants.is_asked = true;
        }
    }

    /// The relay has granted bytes that the sender has not heard of yet.
    pub(super) fn is_still_granted(&mut self, key: &Key, bytes: u64) {
        if let Some(grants) = self.grants.get_mut(key) {
            grants.earlier = grants.earlier.saturating_sub(bytes);
            grants.passed += bytes;
        }
    }

    /// A sender may be asked for a grant.
    pub(super) fn may_ask(&mut self, key: Key) {
        self.grants.entry(key).or_default().questions += 1;
    }

    /// Whether a unit is a grant or a question for one; it is noted then.
    pub(super) fn is_grant(&mut self, of: usize, unit: Unit<'_>) -> bool {
        let (head, bytes) = match unit {
            Unit::GrantFromServer { channel, bytes } => (vec![channel], bytes),
            Unit::GrantFromUser { channel, user, bytes } => (vec![channel | 128, user], bytes),
            _ => return false,
        };
        let grants = self.grants.get_mut(&(of, head)).expect("a grant comes out of nothing");
        if bytes == 0 {
            grants.questions = grants.questions.checked_sub(1).expect("nobody has asked");
            grants.is_asked = false;
            return true;
        }
        let mut bytes = u64::from(bytes);
        for from in [&mut grants.passed, &mut grants.earlier] {
            let part = bytes.min(*from);
            *from -= part;
            bytes -= part;
        }
        grants.granted += bytes;
        assert!(grants.granted <= grants.sent, "more is granted than was sent");
        true
    }

    /// All queues are empty: grants have been passed on, and what was sent to existing endpoints
    /// has been granted, but for half a window.
    pub(in crate::relay) fn has_granted(&mut self) {
        let (mut keys, mut awaited) = (Vec::new(), Vec::new());
        for (name, channel) in &self.channels {
            for (user, member) in &channel.users.used {
                if member.knock.is_none() {
                    for side in [USER, SERVER] {
                        let key = self.sender_of(name, *user, side);
                        if self.is_awaited(self.receiver_of(name, *user, side)) {
                            awaited.push(key.clone());
                        }
                        keys.push(key);
                    }
                }
            }
        }
        self.grants.retain(|key, _| keys.contains(key));
        for (key, grants) in &mut self.grants {
            assert!(grants.passed == 0 || grants.is_saturated, "a grant is not passed on: {grants:?}");
            assert!(!grants.is_asked, "a question is not passed on: {grants:?}");
            (grants.earlier, grants.passed, grants.questions) = (0, 0, 0);
            if awaited.contains(key) {
                assert_eq!(grants.granted, 0, "nothing is granted for one that is awaited");
                continue;
            }
            assert!(grants.granted >= grants.asked, "a sender has asked, and is not granted all");
            let is_little = grants.owed() == 0 || grants.owed() < u64::from(self.window / 2);
            assert!(is_little, "a grant is owed: {grants:?}");
        }
    }
}
