//! Records sealed by hand, for what no well-behaved implementation of TLS sends. ChaCha20-Poly1305
//! only.

use std::io::{Read, Write};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use rustls::{ConnectionTrafficSecrets, ExtractedSecrets};

/// The types of records.
pub const ALERT: u8 = 21;
pub const HANDSHAKE: u8 = 22;
pub const DATA: u8 = 23;

/// Both directions of a connection whose handshake is over.
pub struct Sealed<S> {
    pub socket: S,
    is_tls13: bool,
    out: Direction,
    back: Direction,
}

struct Direction {
    key: LessSafeKey,
    iv: [u8; 12],
    number: u64,
}

impl Direction {
    fn new((number, secrets): (u64, ConnectionTrafficSecrets)) -> Self {
        let ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } = secrets else {
            panic!("another cipher")
        };
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key.as_ref()).unwrap());
        Self { key, iv: iv.as_ref().try_into().unwrap(), number }
    }

    /// The nonce of the next record, and what is authenticated beside its `len` bytes.
    fn next(&mut self, is_tls13: bool, kind: u8, len: usize) -> (Nonce, Vec<u8>) {
        let mut nonce = self.iv;
        for (byte, of_number) in nonce[4..].iter_mut().zip(self.number.to_be_bytes()) {
            *byte ^= of_number;
        }
        let header = [&[kind, 3, 3][..], &u16::try_from(len).unwrap().to_be_bytes()].concat();
        let aad = if is_tls13 { header } else { [&self.number.to_be_bytes()[..], &header].concat() };
        self.number += 1;
        (Nonce::assume_unique_for_key(nonce), aad)
    }
}

impl<S: Read + Write> Sealed<S> {
    pub fn new(socket: S, secrets: ExtractedSecrets, is_tls13: bool) -> Self {
        Self { socket, is_tls13, out: Direction::new(secrets.tx), back: Direction::new(secrets.rx) }
    }

    /// A record.
    pub fn seal(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = content.to_vec();
        let (outer, len) = if self.is_tls13 {
            bytes.push(kind);
            (DATA, bytes.len() + CHACHA20_POLY1305.tag_len())
        } else {
            (kind, bytes.len())
        };
        let (nonce, aad) = self.out.next(self.is_tls13, outer, len);
        self.out.key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut bytes).unwrap();
        [&[outer, 3, 3][..], &u16::try_from(bytes.len()).unwrap().to_be_bytes(), &bytes].concat()
    }

    pub fn send(&mut self, kind: u8, content: &[u8]) {
        let record = self.seal(kind, content);
        self.socket.write_all(&record).unwrap();
    }

    /// The next record: its type and content; `None` at the end.
    pub fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut header = [0; 5];
        self.socket.read_exact(&mut header).ok()?;
        let mut bytes = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
        self.socket.read_exact(&mut bytes).unwrap();
        let tag = CHACHA20_POLY1305.tag_len();
        let len = if self.is_tls13 { bytes.len() } else { bytes.len() - tag };
        let (nonce, aad) = self.back.next(self.is_tls13, header[0], len);
        self.back.key.open_in_place(nonce, Aad::from(aad), &mut bytes).unwrap();
        bytes.truncate(bytes.len() - tag);
        let kind = if self.is_tls13 { bytes.pop().unwrap() } else { header[0] };
        Some((kind, bytes))
    }
}
