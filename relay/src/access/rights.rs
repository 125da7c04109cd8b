//! What a connection may do, by what it has shown.

use super::{Action, Denied, Keys, Limits, MAX_TOKEN, Permit, split};
use crate::config::{Access, Config, InvalidConfig, Revoked, matches};

/// What tokens and signed names are checked with.
#[derive(Debug, Default)]
pub(crate) struct Rights {
    keys: Keys,
}

/// What a connection was granted beyond what everybody may.
#[derive(Debug, Default)]
pub(crate) struct Granted {
    pub(crate) permit: Option<Permit>,
    /// What stands for the keys of the signed names that it has used.
    keys: Vec<u64>,
    /// What the operator has set for this one connection.
    pub(crate) limits: Limits,
    /// The parts of a token that have come in hellos; more than [`MAX_TOKEN`] bytes are none.
    token: Vec<u8>,
    /// Those are all its parts, and it is to be checked.
    is_whole: bool,
    /// Tokens in hellos that did not count, since one did.
    refused: u8,
}

impl Granted {
    /// Whether it has shown anything that connections without do not have.
    pub(crate) fn has_shown(&self) -> bool {
        self.permit.is_some() || !self.keys.is_empty()
    }

    /// A part of a token has come in a hello, maybe the last one. Passed over while there is a
    /// whole one.
    pub(crate) fn collect(&mut self, part: &[u8], is_last: bool) {
        if self.is_whole {
            return;
        }
        // one byte too many shows that it is too long
        let room = (MAX_TOKEN + 1).saturating_sub(self.token.len());
        self.token.extend(part.iter().take(room));
        self.is_whole = is_last;
    }

    /// Whether a whole token is to be checked.
    pub(crate) fn has_token(&self) -> bool {
        self.is_whole
    }

    /// Takes the token that is to be checked.
    pub(crate) fn take_token(&mut self) -> Vec<u8> {
        self.is_whole = false;
        std::mem::take(&mut self.token)
    }

    /// A token counts.
    pub(crate) fn show(&mut self, permit: Permit) {
        (self.permit, self.refused) = (Some(permit), 0);
    }

    /// A token does not count. Returns how many have not since one did.
    pub(crate) fn count_refused(&mut self) -> u8 {
        self.refused = self.refused.saturating_add(1);
        self.refused
    }

    /// Bytes of memory that it takes.
    pub(crate) fn memory(&self) -> usize {
        size_of::<Self>()
            + self.permit.as_ref().map_or(0, Permit::memory)
            + self.keys.capacity() * size_of::<u64>()
            + self.token.capacity()
    }
}

impl Rights {
    /// Reads the keys, if there are to be any.
    ///
    /// # Errors
    /// What is wrong with their file.
    pub(crate) fn load(config: &Config) -> Result<Self, InvalidConfig> {
        let keys = match &config.access_keys {
            Some(path) if config.access != Access::Open => Keys::read(path)?,
            _ => Keys::default(),
        };
        Ok(Self { keys })
    }

    /// Checks a token.
    ///
    /// # Errors
    /// Why it does not count.
    pub(crate) fn check(&self, token: &[u8], now: u64, config: &Config) -> Result<Permit, Denied> {
        self.keys.check(token, now, config.access_leeway.as_secs())
    }

    /// Work that it is to look at a name that a command has, in units that are queued.
    pub(crate) fn work(&self, given: &[u8]) -> usize {
        if split(given).is_some() { self.keys.work_of_a_name() } else { 0 }
    }

    /// Whether a connection may do something with a channel; `given` is the name as it has it. A
    /// key that has signed a name is added to what it has shown. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn may(
        &self,
        granted: &mut Option<Box<Granted>>,
        action: Action,
        given: &[u8],
        now: u64,
        config: &Config,
    ) -> Result<(), Denied> {
        let leeway = config.access_leeway.as_secs();
        if config.access == Access::Open {
            return Ok(());
        }
        if split(given).is_some() {
            let (_, key) = self.keys.check_name(action, given, now, leeway)?;
            let granted = granted.get_or_insert_default();
            if !granted.keys.contains(&key) {
                granted.keys.push(key);
            }
            return Ok(());
        }
        let permit = granted.as_ref().and_then(|granted| granted.permit.as_ref());
        let of_permit = match permit {
            // its key may have been taken away since
            Some(permit) if !self.keys.has(permit.key) => Err(Denied::Forged),
            Some(permit) => permit.allows(action, given, now, leeway),
            None => Err(Denied::Nothing),
        };
        of_permit.or_else(|why| if config.allows_anonymous(action, given) { Ok(()) } else { Err(why) })
    }

    /// Whether a connection has to go, because a key is gone that it is here by, or because
    /// connections without may not be here any more.
    pub(crate) fn is_revoked(&self, granted: Option<&Granted>, has_channels: bool, config: &Config) -> bool {
        if config.access == Access::Open || config.access_revoked == Revoked::Keep {
            return false;
        }
        match granted.filter(|granted| granted.has_shown()) {
            None => has_channels && config.access == Access::Tokens,
            Some(granted) => {
                let of_permit = granted.permit.iter().map(|permit| permit.key);
                of_permit.chain(granted.keys.iter().copied()).any(|key| !self.keys.has(key))
            }
        }
    }
}

impl Config {
    /// Whether connections may do this that have shown nothing.
    fn allows_anonymous(&self, action: Action, name: &[u8]) -> bool {
        let patterns = match action {
            Action::Create => &self.anonymous_create,
            Action::Enter => &self.anonymous_enter,
        };
        self.access == Access::Mixed && patterns.iter().any(|pattern| matches(pattern, name))
    }
}
