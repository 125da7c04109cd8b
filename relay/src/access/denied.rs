//! Why somebody may not.

use std::fmt;

/// Why a token or a signed name does not count, or does not allow what was asked for.
///
/// For logs. An endpoint is not told which of these it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// There is no token and no signed name, and connections without may not do this.
    Nothing,
    /// It is not a token: empty, too long, or not of the form of a JWT.
    NoToken,
    /// No key that the relay has made it: it was forged or changed, or its key was taken away. For
    /// a signed name also: it was signed for another name or another action.
    Forged,
    /// It does not say which key has made it (`kid`), and there are more than 8 for its algorithm.
    NoKey,
    /// It is signed with an algorithm that its key is not for, or with none.
    Algorithm,
    /// A claim is missing or not as it should be.
    Claim,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYet,
    /// It does not allow this name.
    Pattern,
    /// Its subject is banned.
    Banned,
    /// Its subject has as many connections as it may.
    Connections,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "no token and no signed name, and without one this is not allowed",
            Self::NoToken => "not a token: empty, too long, or not of the form of a JWT",
            Self::Forged => "made by no key that the relay has, or changed since",
            Self::NoKey => "it does not name its key (kid), and there are too many to try all of them",
            Self::Algorithm => "signed with an algorithm that its key is not for",
            Self::Claim => "a claim is missing or not as it should be",
            Self::Expired => "expired",
            Self::NotYet => "not valid yet",
            Self::Pattern => "the name is none of those that the token allows",
            Self::Banned => "its subject is banned",
            Self::Connections => "its subject has as many connections as it may",
        })
    }
}

impl std::error::Error for Denied {}
