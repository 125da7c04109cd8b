//! What client and server say to each other about their traffic: chunks of kind [`Kind::Control`].
//!
//! | who | says | and means |
//! |---|---|---|
//! | client | hello | what I am going to send, and what I want |
//! | server | welcome | who you are here, and which broadcast you get next; from now on everything counts |
//! | server | too large | my channels do not allow chunks as long as yours |
//! | client | bye | I have sent everything |
//! | server | total | this is what arrived, and this is the broadcast after the last one you got |
//!
//! Numbers are little-endian, as everywhere in the protocol's typed values.

use super::{Kind, Script};

/// One agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The first chunk of a client.
    Hello {
        /// What it is going to send.
        script: Script,
        /// Whether it wants its chunks back.
        echo: bool,
        /// Whether it wants broadcasts. (It gets them anyway once somebody in the channel wants
        /// them.)
        broadcasts: bool,
    },
    /// The server's answer to a hello.
    Welcome {
        /// The number of the user in this channel.
        user: u8,
        /// What the server broadcasts.
        script: Script,
        /// The number of the next broadcast. Those that came before it do not count.
        next: u64,
    },
    /// The server's answer to a hello that announces chunks it cannot take.
    TooLarge {
        /// The longest chunk it can take, in bytes.
        max: u32,
    },
    /// The last chunk of a client.
    Bye,
    /// The server's answer to a bye.
    Total {
        /// Chunks from this client that were verified.
        chunks: u64,
        /// Their bytes.
        bytes: u64,
        /// The number of the broadcast after the last one.
        next: u64,
    },
}

/// Changes whenever the layout of these chunks does.
const VERSION: u8 = 1;

impl Control {
    /// The chunk that says so.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut chunk = vec![0, VERSION];
        let code = match *self {
            Self::Hello { script, echo, broadcasts } => {
                chunk.extend([u8::from(echo), u8::from(broadcasts)]);
                put_script(&mut chunk, script);
                0
            }
            Self::Welcome { user, script, next } => {
                chunk.push(user);
                put_script(&mut chunk, script);
                chunk.extend(next.to_le_bytes());
                1
            }
            Self::TooLarge { max } => {
                chunk.extend(max.to_le_bytes());
                2
            }
            Self::Bye => 3,
            Self::Total { chunks, bytes, next } => {
                chunk.extend([chunks, bytes, next].iter().flat_map(|number| number.to_le_bytes()));
                4
            }
        };
        chunk[0] = Kind::Control.first_byte(code);
        chunk
    }

    /// What a chunk says; `None` if it is not one of these, or of another version.
    #[must_use]
    pub fn decode(chunk: &[u8]) -> Option<Self> {
        let (&[first, VERSION], mut rest) = chunk.split_first_chunk()? else { return None };
        if Kind::of(chunk) != Some(Kind::Control) {
            return None;
        }
        let fields = &mut rest;
        let control = match first & 0x3f {
            0 => {
                let [echo, broadcasts] = take(fields)?;
                let script = take_script(fields)?;
                Self::Hello { script, echo: echo != 0, broadcasts: broadcasts != 0 }
            }
            1 => {
                let [user] = take(fields)?;
                Self::Welcome { user, script: take_script(fields)?, next: u64::from_le_bytes(take(fields)?) }
            }
            2 => Self::TooLarge { max: u32::from_le_bytes(take(fields)?) },
            3 => Self::Bye,
            4 => {
                let mut number = || take(fields).map(u64::from_le_bytes);
                Self::Total { chunks: number()?, bytes: number()?, next: number()? }
            }
            _ => return None,
        };
        rest.is_empty().then_some(control)
    }
}

fn put_script(chunk: &mut Vec<u8>, script: Script) {
    chunk.extend(script.stream.to_le_bytes());
    chunk.extend(script.begin.to_le_bytes());
    chunk.extend(script.min.to_le_bytes());
    chunk.extend(script.max.to_le_bytes());
}

/// A script that makes sense: lengths from 1, the shortest not above the longest.
fn take_script(fields: &mut &[u8]) -> Option<Script> {
    let script = Script {
        stream: u64::from_le_bytes(take(fields)?),
        begin: u64::from_le_bytes(take(fields)?),
        min: u32::from_le_bytes(take(fields)?),
        max: u32::from_le_bytes(take(fields)?),
    };
    (1..=script.max).contains(&script.min).then_some(script)
}

fn take<const N: usize>(fields: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = fields.split_first_chunk()?;
    *fields = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_decoded_and_nothing_shorter_or_longer() {
        let script = Script { stream: u64::MAX, begin: 5, min: 1, max: 32_768 };
        for control in [
            Control::Hello { script, echo: true, broadcasts: false },
            Control::Welcome { user: 255, script, next: 9 },
            Control::TooLarge { max: 256 },
            Control::Bye,
            Control::Total { chunks: 1, bytes: 2, next: 3 },
        ] {
            let mut chunk = control.encode();
            assert_eq!(Control::decode(&chunk), Some(control));
            for end in 0..chunk.len() {
                assert_eq!(Control::decode(&chunk[..end]), None);
            }
            chunk.push(0);
            assert_eq!(Control::decode(&chunk), None);
        }
    }

    #[test]
    fn nonsense_is_nothing() {
        assert_eq!(Control::decode(&[Kind::Control.first_byte(3), VERSION + 1]), None);
        assert_eq!(Control::decode(&[Kind::Control.first_byte(9), VERSION]), None);
        assert_eq!(Control::decode(&[Kind::Data.first_byte(3), VERSION]), None);
        let backwards = Script { stream: 0, begin: 0, min: 2, max: 1 };
        let hello = Control::Hello { script: backwards, echo: true, broadcasts: true };
        assert_eq!(Control::decode(&hello.encode()), None);
    }
}
