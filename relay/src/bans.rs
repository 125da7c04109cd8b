//! Who may not come, because the operator has said so.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::access::unix_now;
use crate::proxy::is_listed;

/// Bans at the same time. Each connection that comes is compared with all of them.
const MOST: usize = 4096;

/// A range of addresses or a subject that is kept out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The range or the subject.
    pub who: Banned,
    /// Until when, in seconds since 1970; `None`: for good.
    pub until: Option<u64>,
    /// Why, for the log and for browsers (in the close frame); may be empty.
    pub reason: String,
}

/// Who is banned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Banned {
    /// All connections from a range of addresses.
    Address(IpNet),
    /// All tokens of a subject.
    Subject(String),
}

impl fmt::Display for Banned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(range) => range.fmt(f),
            Self::Subject(subject) => write!(f, "subject {subject:?}"),
        }
    }
}

/// All bans.
#[derive(Debug, Default)]
pub(crate) struct Bans {
    bans: Vec<Ban>,
}

impl Bans {
    /// Those that hold.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Ban> {
        let now = if self.bans.is_empty() { 0 } else { unix_now() };
        self.bans.iter().filter(move |ban| ban.until.is_none_or(|until| until > now))
    }

    /// One more; takes the place of one of the same.
    ///
    /// # Errors
    /// There are as many as there may be.
    pub(crate) fn add(&mut self, ban: Ban) -> Result<(), TooManyBans> {
        self.remove(&ban.who);
        let now = unix_now();
        self.bans.retain(|ban| ban.until.is_none_or(|until| until > now));
        if self.bans.len() >= MOST {
            return Err(TooManyBans);
        }
        self.bans.push(ban);
        Ok(())
    }

    /// Lifts one. Returns whether there was one.
    pub(crate) fn remove(&mut self, who: &Banned) -> bool {
        let before = self.bans.len();
        self.bans.retain(|ban| ban.who != *who);
        self.bans.len() < before
    }

    pub(crate) fn has_address(&self, address: IpAddr) -> bool {
        self.iter().any(|ban| matches!(&ban.who, Banned::Address(range) if is_listed(address, &[*range])))
    }

    pub(crate) fn has_subject(&self, subject: &str) -> bool {
        self.iter().any(|ban| matches!(&ban.who, Banned::Subject(of) if of == subject))
    }
}

/// There are as many bans as there may be, 4096.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyBans;

impl fmt::Display for TooManyBans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there are {MOST} bans already; lift some, or ban a range of addresses")
    }
}

impl std::error::Error for TooManyBans {}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(text: &str, until: Option<u64>) -> Ban {
        Ban { who: Banned::Address(text.parse().unwrap()), until, reason: String::new() }
    }

    #[test]
    fn bans_hold_until_they_are_over_or_lifted() {
        let mut bans = Bans::default();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        bans.add(ban("192.0.2.0/24", None)).unwrap();
        bans.add(ban("2001:db8::/64", Some(unix_now() + 1000))).unwrap();
        bans.add(ban("198.51.100.7/32", Some(unix_now() - 1))).unwrap();
        for (text, expected) in [
            ("192.0.2.7", true),
            ("::ffff:192.0.2.7", true),
            ("192.0.3.7", false),
            ("2001:db8::7", true),
            ("198.51.100.7", false),
        ] {
            assert_eq!(bans.has_address(address(text)), expected, "{text}");
        }
        assert_eq!(bans.iter().count(), 2);
        // another one for the same takes its place
        bans.add(ban("192.0.2.0/24", Some(unix_now() - 1))).unwrap();
        assert!(!bans.has_address(address("192.0.2.7")));
        let subject = Banned::Subject("ann".into());
        bans.add(Ban { who: subject.clone(), until: None, reason: "x".into() }).unwrap();
        assert!(bans.has_subject("ann") && !bans.has_subject("an"));
        assert!(bans.remove(&subject) && !bans.remove(&subject));
    }

    #[test]
    fn there_are_only_so_many() {
        let mut bans = Bans::default();
        let numbered = |number: u32| ban(&format!("{}/32", std::net::Ipv4Addr::from_bits(number)), None);
        assert!((0..4096).all(|number| bans.add(numbered(number)).is_ok()));
        assert_eq!(bans.add(numbered(4096)), Err(TooManyBans));
        assert_eq!(bans.add(numbered(7)), Ok(()));
        bans.remove(&numbered(8).who);
        assert_eq!(bans.add(ban("10.0.0.0/8", Some(1))), Ok(()));
        assert_eq!(bans.add(numbered(4096)), Ok(()), "one that is over makes room");
    }

    #[test]
    fn texts() {
        assert_eq!(Banned::Address("192.0.2.0/24".parse().unwrap()).to_string(), "192.0.2.0/24");
        assert_eq!(Banned::Subject("a \"b\"".into()).to_string(), r#"subject "a \"b\"""#);
        let text = "there are 4096 bans already; lift some, or ban a range of addresses";
        assert_eq!(TooManyBans.to_string(), text);
    }

    /// It is over in the second that it says.
    #[test]
    fn a_ban_is_over_at_its_time() {
        let mut bans = Bans::default();
        let over = unix_now();
        bans.add(ban("192.0.2.0/24", Some(over))).unwrap();
        assert_eq!(bans.iter().count(), 0);
        bans.add(ban("192.0.3.0/24", Some(over + 1000))).unwrap();
        assert_eq!(bans.bans.len(), 1, "and then it takes no place");
    }
}
