//! The keys, from their file.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use ring::{digest, hmac};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::permit::is_over;
use super::{Action, Denied, crypto, split};
use crate::config::InvalidConfig;

/// Keys that a file may have. Each signed name is tried with all of them that are for HS256.
const MOST_KEYS: usize = 64;

/// Work that it is to try a signed name with a key, in units that are queued.
const OF_A_MAC: usize = 16;

/// Bytes of the longest file.
const LONGEST: u64 = 1 << 20;

/// Bytes of the shortest secret. 32 random ones are what a secret should have (RFC 7518, section
/// 3.2).
const SHORTEST_SECRET: usize = 16;

/// What stands in front of the 32 bytes of a public key in DER (RFC 8410, section 4).
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The bytes of a MAC that a signed name has.
const MAC: usize = 16;

/// Base64url, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The keys that tokens and signed names are checked with.
#[derive(Debug, Default)]
pub struct Keys {
    pub(super) keys: Vec<Key>,
}

/// One of them.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
    /// Of those for HS256.
    secret: Option<Vec<u8>>,
    /// Stands for it, and changes with all that it is.
    pub(super) fingerprint: u64,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    key: Vec<WrittenKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    id: String,
    algorithm: String,
    secret: Option<String>,
    public: Option<String>,
}

impl Keys {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it. Never says anything of a secret.
    pub fn read(path: &Path) -> Result<Self, InvalidConfig> {
        let wrong = |what: String| InvalidConfig::file("access_keys", path, what);
        let mut text = String::new();
        let file = File::open(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let len = file.take(LONGEST + 1).read_to_string(&mut text);
        let len = len.map_err(|error| wrong(format!("cannot be read: {error}")))?;
        if len as u64 > LONGEST {
            return Err(wrong("longer than 1 MiB, which no such file is".into()));
        }
        Self::parse(&text).map_err(wrong)
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        crypto::install();
        // the message alone: the error as a whole shows the line, and with it the secret
        let written: Written = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
            format!("line {line}: {}", error.message())
        })?;
        if written.key.is_empty() {
            return Err("there is no [[key]] in it".into());
        }
        if written.key.len() > MOST_KEYS {
            return Err(format!("it has more than {MOST_KEYS} keys"));
        }
        let mut keys: Vec<Key> = Vec::new();
        for (number, written) in written.key.into_iter().enumerate() {
            let name = format!("key {} ({:?})", number + 1, written.id);
            if keys.iter().any(|key| key.id == written.id) {
                return Err(format!("{name}: there is another one with this id"));
            }
            keys.push(Key::new(written).map_err(|what| format!("{name}: {what}"))?);
        }
        Ok(Self { keys })
    }

    /// Whether a key is still there, by what stands for it.
    pub(crate) fn has(&self, fingerprint: u64) -> bool {
        self.keys.iter().any(|key| key.fingerprint == fingerprint)
    }

    /// Work that it is to check a signed name, in units that are queued: each key is tried.
    pub(crate) fn work_of_a_name(&self) -> usize {
        OF_A_MAC * self.keys.iter().filter(|key| key.secret.is_some()).count()
    }

    /// Checks a signed name: `given` as the command has it. Returns the name, and what stands for
    /// the key that signed it.
    ///
    /// `now` and `leeway` are as for [`Permit::allows`](super::Permit::allows).
    ///
    /// # Errors
    /// Why it is not good: [`Denied::Nothing`] if it does not have the form of a signed name.
    pub fn check_name<'a>(
        &self,
        action: Action,
        given: &'a [u8],
        now: u64,
        leeway: u64,
    ) -> Result<(&'a [u8], u64), Denied> {
        let (name, expiry, mac) = split(given).ok_or(Denied::Nothing)?;
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| Denied::Forged)?;
        let message = message(action, name, expiry);
        let is_of = |key: &&Key| {
            let is_good = |secret: &Vec<u8>| bool::from(self::mac(secret, &message).ct_eq(&mac));
            key.secret.as_ref().is_some_and(is_good)
        };
        let key = self.keys.iter().find(is_of).ok_or(Denied::Forged)?;
        let expires = u64::from_str_radix(expiry, 16).map_err(|_| Denied::Forged)?;
        if is_over(expires, now, leeway) { Err(Denied::Expired) } else { Ok((name, key.fingerprint)) }
    }

    /// Signs a name until `expires`, in seconds since 1970, with the key of that id. Returns what
    /// the endpoint is to use as the name.
    ///
    /// # Errors
    /// There is no such key, it is not for HS256, or what comes of it is longer than a name may be.
    pub fn sign_name(&self, id: &str, action: Action, name: &[u8], expires: u64) -> Result<Vec<u8>, String> {
        let key = self.keys.iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| format!("there is no key with the id {id:?}"))?;
        let secret = key.secret.as_ref();
        let secret = secret.ok_or("names are signed with a key for HS256, and this one is for EdDSA")?;
        let expiry = format!("{expires:x}");
        let mac = URL_SAFE_NO_PAD.encode(mac(secret, &message(action, name, &expiry)));
        let signed = [name, b"~", expiry.as_bytes(), b"~", mac.as_bytes()].concat();
        let most = peote_net::protocol::MAX_NAME;
        if signed.len() > most {
            return Err(format!(
                "signed, the name has {} bytes, and a name has at most {most}",
                signed.len()
            ));
        }
        Ok(signed)
    }

    /// Returns what signs tokens: the secret of the key of that id, for HS256.
    ///
    /// # Errors
    /// There is no such key, or it has no secret.
    pub fn signing_key(&self, id: &str) -> Result<SigningKey, String> {
        let key = self.keys.iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| format!("there is no key with the id {id:?}"))?;
        let secret = key.secret.as_ref().ok_or(
            "this key is for EdDSA, and the relay's file has its public half only; give the private one",
        )?;
        let encoding = EncodingKey::from_secret(secret);
        Ok(SigningKey { id: key.id.clone(), algorithm: Algorithm::HS256, encoding })
    }
}

/// What makes tokens.
pub struct SigningKey {
    pub(super) id: String,
    pub(super) algorithm: Algorithm,
    pub(super) encoding: EncodingKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A private key for `EdDSA` (PKCS #8 in PEM, as `openssl genpkey -algorithm ed25519` makes it)
    /// whose public half the relay knows under that id.
    ///
    /// # Errors
    /// It is no such key.
    pub fn from_private_pem(id: &str, pem: &[u8]) -> Result<Self, String> {
        crypto::install();
        let wrong = "not a private key for Ed25519 in PEM (PKCS #8)";
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| wrong)?;
        let encoding = EncodingKey::from_ed_der(der.secret_pkcs8_der());
        ring::signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
            .map_err(|_| wrong)?;
        Ok(Self { id: id.into(), algorithm: Algorithm::EdDSA, encoding })
    }
}

impl Key {
    fn new(written: WrittenKey) -> Result<Self, String> {
        let WrittenKey { id, algorithm, secret, public } = written;
        let (algorithm, decoding, bytes) = match (&*algorithm, secret, public) {
            ("HS256", Some(secret), None) => {
                let secret = BASE64.decode(secret.trim()).map_err(|_| "secret is not base64url")?;
                if secret.len() < SHORTEST_SECRET {
                    return Err(format!(
                        "secret has less than {SHORTEST_SECRET} bytes; make it 32 random ones"
                    ));
                }
                (Algorithm::HS256, DecodingKey::from_secret(&secret), secret)
            }
            ("EdDSA", None, Some(public)) => {
                let public = public_key(&public)?;
                (Algorithm::EdDSA, DecodingKey::from_ed_der(&public), public)
            }
            ("HS256", ..) => return Err("HS256 needs secret, and nothing else".into()),
            ("EdDSA", ..) => {
                return Err(
                    "EdDSA needs public, and nothing else: the private half stays where tokens are made"
                        .into(),
                );
            }
            _ => return Err("algorithm is neither HS256 nor EdDSA".into()),
        };
        let all =
            [id.as_bytes(), &[0], if algorithm == Algorithm::HS256 { b"H" } else { b"E" }, &bytes].concat();
        let digest = digest::digest(&digest::SHA256, &all);
        let fingerprint = digest.as_ref().iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte));
        let secret = (algorithm == Algorithm::HS256).then_some(bytes);
        Ok(Self { id, algorithm, decoding, secret, fingerprint })
    }
}

/// The 32 bytes of a public key for Ed25519, from PEM, DER in base64url, or themselves in
/// base64url.
fn public_key(text: &str) -> Result<Vec<u8>, String> {
    let bytes = if text.contains("-----BEGIN") {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes());
        der.map_err(|_| "public is not a public key in PEM")?.as_ref().to_vec()
    } else {
        BASE64.decode(text.trim()).map_err(|_| "public is neither PEM nor base64url")?
    };
    let key = bytes.strip_prefix(&ED25519[..]).unwrap_or(&bytes);
    if key.len() == 32 { Ok(key.to_vec()) } else { Err("public is not a key for Ed25519".into()) }
}

/// What is signed of a name.
fn message(action: Action, name: &[u8], expiry: &str) -> Vec<u8> {
    [action.word().as_bytes(), &[0], name, &[0], expiry.as_bytes()].concat()
}

/// The MAC of it.
fn mac(secret: &[u8], message: &[u8]) -> [u8; MAC] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message);
    let mut mac = [0; MAC];
    mac.copy_from_slice(&tag.as_ref()[..MAC]);
    mac
}

/// Returns 32 random bytes in base64url, as a secret for HS256.
///
/// # Errors
/// The system has no randomness.
pub fn random_secret() -> Result<String, String> {
    let bytes = ring::rand::generate::<[u8; 32]>(&ring::rand::SystemRandom::new());
    let bytes = bytes.map_err(|_| "the system has no randomness")?.expose();
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
