//! Tokens: JSON Web Tokens (RFC 7519) with HS256 or `EdDSA`.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{DecodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use super::keys::{Key, Keys, SigningKey};
use super::permit::is_over;
use super::{Denied, Limits, MAX_TOKEN, Permit};

/// The audience that a token may name. One that names another is not for this relay (RFC 7519,
/// section 4.1.3).
const AUDIENCE: &str = "peote-relay";

/// Keys that a token without `kid` is tried with, at most. To check one signature with Ed25519
/// takes about as long as to answer a TLS handshake.
const MOST_TRIED: usize = 8;

/// What a token says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Claims {
    /// Whom it was made for; shown in the log and by `peote-relay top`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sub: String,
    /// When it ends, in seconds since 1970.
    #[serde(deserialize_with = "seconds")]
    pub exp: u64,
    /// When it begins, in seconds since 1970.
    #[serde(default, deserialize_with = "seconds", skip_serializing_if = "is_zero")]
    pub nbf: u64,
    /// Names of channels that may be created: patterns in which `*` stands for any bytes, or none.
    #[serde(default, deserialize_with = "patterns", skip_serializing_if = "Vec::is_empty")]
    pub create: Vec<String>,
    /// Names of channels that may be entered.
    #[serde(default, deserialize_with = "patterns", skip_serializing_if = "Vec::is_empty")]
    pub enter: Vec<String>,
    /// Limits of its own.
    #[serde(default)]
    pub limits: Limits,
}

/// What can be said of a token without believing it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explained {
    /// The claim `alg` of its header.
    pub algorithm: String,
    /// The id of the key that it says it was made with.
    pub key: Option<String>,
    /// What it says.
    pub claims: Claims,
}

impl Keys {
    /// Checks a token. `now` and `leeway` are as for [`Permit::allows`].
    ///
    /// # Errors
    /// Why it does not count.
    pub fn check(&self, token: &[u8], now: u64, leeway: u64) -> Result<Permit, Denied> {
        if token.is_empty() || token.len() > MAX_TOKEN {
            return Err(Denied::NoToken);
        }
        let header = decode_header(token).map_err(|error| match error.kind() {
            // none of the names that there are, such as `none`
            ErrorKind::Json(_) => Denied::Algorithm,
            kind => denied(kind),
        })?;
        // extensions that have to be understood are not (RFC 7515, section 4.1.11)
        if header.crit.is_some() {
            return Err(Denied::Claim);
        }
        let is_tried = |key: &&Key| match &header.kid {
            Some(id) => *id == key.id,
            None => key.algorithm == header.alg,
        };
        let tried = self.keys.iter().filter(is_tried);
        if tried.clone().nth(MOST_TRIED).is_some() {
            return Err(Denied::NoKey);
        }
        let mut of_key = Denied::Forged;
        for key in tried {
            // the key says which algorithm it is, whatever the token says
            match check_with(token, key) {
                Ok(claims) => return permit(claims, key, now, leeway),
                Err(Denied::Forged) => {}
                Err(why) => of_key = why,
            }
        }
        Err(of_key)
    }

    /// Takes a token apart, to show what it says. Checks nothing.
    ///
    /// # Errors
    /// It is no token.
    pub fn explain(token: &[u8]) -> Result<Explained, String> {
        let decoded = jsonwebtoken::dangerous::insecure_decode::<Claims>(token);
        let token = decoded.map_err(|error| error.to_string())?;
        Ok(Explained {
            algorithm: format!("{:?}", token.header.alg),
            key: token.header.kid,
            claims: token.claims,
        })
    }
}

impl SigningKey {
    /// Makes a token.
    ///
    /// # Errors
    /// It would be longer than [`MAX_TOKEN`], or the key does not sign.
    pub fn token(&self, claims: &Claims) -> Result<String, String> {
        let header = Header { kid: Some(self.id.clone()), ..Header::new(self.algorithm) };
        let token = encode(&header, claims, &self.encoding).map_err(|error| error.to_string())?;
        if token.len() > MAX_TOKEN {
            return Err(format!("the token would have {} bytes, and may have {MAX_TOKEN}", token.len()));
        }
        Ok(token)
    }
}

fn check_with(token: &[u8], key: &Key) -> Result<Claims, Denied> {
    let mut validation = Validation::new(key.algorithm);
    // times are looked at afterwards, by a clock that tests can have of their own
    (validation.validate_exp, validation.validate_nbf) = (false, false);
    // `Claims` has to have one
    validation.required_spec_claims.clear();
    validation.set_audience(&[AUDIENCE]);
    let decoding: &DecodingKey = &key.decoding;
    let decoded = decode::<Claims>(token, decoding, &validation);
    decoded.map(|token| token.claims).map_err(|error| denied(error.kind()))
}

fn permit(claims: Claims, key: &Key, now: u64, leeway: u64) -> Result<Permit, Denied> {
    if is_over(claims.exp, now, leeway) {
        return Err(Denied::Expired);
    }
    if claims.nbf > now.saturating_add(leeway) {
        return Err(Denied::NotYet);
    }
    let Claims { sub: subject, exp: expires, create, enter, limits, .. } = claims;
    Ok(Permit { subject, key: key.fingerprint, create, enter, expires, limits })
}

fn denied(kind: &ErrorKind) -> Denied {
    match kind {
        ErrorKind::InvalidSignature => Denied::Forged,
        ErrorKind::InvalidAlgorithm
        | ErrorKind::InvalidAlgorithmName
        | ErrorKind::UnsupportedAlgorithm
        | ErrorKind::MissingAlgorithm => Denied::Algorithm,
        ErrorKind::InvalidToken | ErrorKind::Base64(_) | ErrorKind::Utf8(_) => Denied::NoToken,
        _ => Denied::Claim,
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde has it so")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// Seconds since 1970, whole or not (RFC 7519, section 2, `NumericDate`).
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    // an untagged enum would see numbers as objects where a program has turned on serde_json's
    // arbitrary_precision; whole seconds are exact up to 2^53
    let seconds = f64::deserialize(deserializer)?;
    if !(0.0..9.0e15).contains(&seconds) {
        return Err(serde::de::Error::custom("a time that is none"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is looked at")]
    Ok(seconds as u64)
}

/// One pattern, or a list of them.
fn patterns<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Patterns {
        One(String),
        List(Vec<String>),
    }
    Ok(match Patterns::deserialize(deserializer)? {
        Patterns::One(pattern) => vec![pattern],
        Patterns::List(patterns) => patterns,
    })
}
