//! `peote-relay token`: makes and explains tokens, signed names, and keys.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use peote_relay::access::{Action, Claims, Keys, Limits, SigningKey, split, unix_now};

use crate::cli::value;

/// The longest that something made here may hold: 100 years.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// How far clocks may be apart when something is explained, in seconds.
const LEEWAY: u64 = 10;

/// Make and explain tokens, signed names and keys, for a relay with access = tokens or mixed.
///
/// A token is a JWT; it goes into the URL of a WebSocket (?token=), a header (Authorization:
/// Bearer), or an endpoint's hello. A signed name is used in place of a channel's name, by
/// endpoints that know no tokens.
#[derive(Debug, Parser)]
#[command(name = "peote-relay token", bin_name = "peote-relay token", version)]
pub(crate) struct Token {
    #[command(subcommand)]
    command: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a token and print it
    Make(Make),
    /// Sign a name and print what is to be used in its place
    Sign(Sign),
    /// Say what a token or a signed name is, and, with --keys, whether it is good
    Explain(Explain),
    /// Make a random key for HS256 and print it as it stands in the file with the keys
    Key(NewKey),
}

#[derive(Debug, Args)]
struct Signer {
    /// The relay's file with the keys (access-keys)
    #[arg(long, value_name = "FILE", required_unless_present = "private_key")]
    keys: Option<PathBuf>,

    /// Id of the key to sign with, as in the file
    #[arg(long, value_name = "ID")]
    key: String,

    /// Of a key for Ed25519: the private key, PKCS #8 in PEM
    #[arg(long, value_name = "FILE")]
    private_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Make {
    #[command(flatten)]
    signer: Signer,

    /// The subject that it is for; shown in the log and by `peote-relay top`
    #[arg(long, value_name = "NAME", default_value = "")]
    subject: String,

    /// How long it holds: seconds, or with min or h
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = time)]
    expires_in: Duration,

    /// When it begins to hold: so much later than now
    #[arg(long, value_name = "TIME", value_parser = time)]
    begins_in: Option<Duration>,

    /// Names of channels that it may create, with * for any characters; give it again for more
    #[arg(long, value_name = "PATTERN")]
    create: Vec<String>,

    /// Names of channels that it may enter; give it again for more
    #[arg(long, value_name = "PATTERN")]
    enter: Vec<String>,

    /// Connections at the same time of this subject; 0: no limit
    #[arg(long, value_name = "NUMBER")]
    max_connections: Option<u32>,

    /// Channels of one connection, of its own and of others, in place of
    /// max-channels-per-connection
    #[arg(long, value_name = "NUMBER")]
    max_channels: Option<u32>,

    /// In place of commands-per-second
    #[arg(long, value_name = "NUMBER")]
    commands_per_second: Option<u32>,

    /// In place of messages-per-second
    #[arg(long, value_name = "NUMBER")]
    messages_per_second: Option<u32>,

    /// In place of bytes-per-second
    #[arg(long, value_name = "SIZE", value_parser = size)]
    bytes_per_second: Option<u64>,
}

#[derive(Debug, Args)]
struct Sign {
    #[command(flatten)]
    signer: Signer,

    /// How long it holds: seconds, or with min or h
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = time)]
    expires_in: Duration,

    /// Sign this name for the server that creates the channel
    #[arg(long, value_name = "NAME", required_unless_present = "enter", conflicts_with = "enter")]
    create: Option<String>,

    /// Sign this name for users that enter the channel
    #[arg(long, value_name = "NAME")]
    enter: Option<String>,
}

#[derive(Debug, Args)]
struct Explain {
    /// The relay's file with the keys (access-keys)
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// The token, or the signed name
    #[arg(value_name = "TEXT")]
    text: String,
}

#[derive(Debug, Args)]
struct NewKey {
    /// Its id
    #[arg(value_name = "ID")]
    id: String,
}

fn time(text: &str) -> Result<Duration, String> {
    value::seconds(text, &(Duration::ZERO..=LONGEST))
}

fn size(text: &str) -> Result<u64, String> {
    value::size(text, &peote_relay::Config::BYTES_PER_SECOND).map(|size| size as u64)
}

fn read(path: &Path) -> Result<Keys, String> {
    Keys::read(path).map_err(|error| error.to_string())
}

impl Token {
    /// Does it. Returns what is to be printed.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn run(self) -> Result<String, String> {
        match self.command {
            What::Make(make) => make.run(),
            What::Sign(sign) => sign.run(),
            What::Explain(explain) => explain.run(),
            What::Key(key) => key.run(),
        }
    }
}

impl Signer {
    fn key(&self) -> Result<SigningKey, String> {
        match (&self.private_key, &self.keys) {
            (Some(path), _) => {
                let pem = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
                let key = SigningKey::from_private_pem(&self.key, &pem);
                key.map_err(|what| format!("{}: {what}", path.display()))
            }
            (None, Some(path)) => {
                let key = read(path)?.signing_key(&self.key);
                key.map_err(|what| format!("{}: {what}", path.display()))
            }
            (None, None) => Err("give --keys or --private-key".into()),
        }
    }
}

impl Make {
    fn run(self) -> Result<String, String> {
        let now = unix_now();
        let mut limits = Limits::default();
        limits.connections = self.max_connections;
        limits.channels = self.max_channels;
        limits.commands = self.commands_per_second;
        limits.messages = self.messages_per_second;
        limits.bytes = self.bytes_per_second;
        let mut claims = Claims::default();
        claims.sub = self.subject;
        claims.exp = now + self.expires_in.as_secs();
        claims.nbf = self.begins_in.map_or(0, |time| now + time.as_secs());
        claims.create = self.create;
        claims.enter = self.enter;
        claims.limits = limits;
        let token = self.signer.key()?.token(&claims)?;
        if claims.create.is_empty() && claims.enter.is_empty() {
            eprintln!("peote-relay: this token allows nothing; say with --create and --enter what it is for");
        }
        Ok(format!("{token}\n"))
    }
}

impl Sign {
    fn run(self) -> Result<String, String> {
        let (action, name) = match (&self.create, &self.enter) {
            (Some(name), _) => (Action::Create, name),
            (None, Some(name)) => (Action::Enter, name),
            (None, None) => return Err("give --create or --enter".into()),
        };
        let path = self.signer.keys.as_deref().ok_or("names are signed with a key of --keys")?;
        let expires = unix_now() + self.expires_in.as_secs();
        let signed = read(path)?.sign_name(&self.signer.key, action, name.as_bytes(), expires)?;
        Ok(format!("{}\n", String::from_utf8_lossy(&signed)))
    }
}

impl Explain {
    fn run(self) -> Result<String, String> {
        let keys = self.keys.as_deref().map(read).transpose()?;
        let now = unix_now();
        let given = self.text.as_bytes();
        if let Some((name, expiry, _)) = split(given) {
            let expires = u64::from_str_radix(expiry, 16).unwrap_or(u64::MAX);
            let mut text = format!(
                "signed name\nname: {:?}\nexpires: {}\n",
                String::from_utf8_lossy(name),
                until(expires, now)
            );
            if let Some(keys) = keys {
                let good = |action| keys.check_name(action, given, now, LEEWAY);
                let verdict = match (good(Action::Create), good(Action::Enter)) {
                    (Ok(_), _) => "good, for creating".to_owned(),
                    (_, Ok(_)) => "good, for entering".to_owned(),
                    (Err(why), Err(other)) => {
                        let why = if why == peote_relay::access::Denied::Forged { other } else { why };
                        format!("not good: {why}")
                    }
                };
                text.push_str(&format!("signature: {verdict}\n"));
            }
            return Ok(text);
        }
        let token = Keys::explain(given).map_err(|_| {
            "neither a signed name (NAME~EXPIRY~MAC) nor a token (a JWT): cut off, changed, or a plain name"
        })?;
        let claims = &token.claims;
        let mut text = format!(
            "token\nalgorithm: {}\nkey: {}\nsubject: {:?}\nexpires: {}\n",
            token.algorithm,
            token.key.as_deref().map_or("not named".into(), |key| format!("{key:?}")),
            claims.sub,
            until(claims.exp, now),
        );
        if claims.nbf > 0 {
            text.push_str(&format!("begins: {}\n", until(claims.nbf, now)));
        }
        text.push_str(&format!("may create: {:?}\nmay enter: {:?}\n", claims.create, claims.enter));
        if claims.limits != Limits::default() {
            let limits = serde_json::to_string(&claims.limits).map_err(|error| error.to_string())?;
            text.push_str(&format!("limits: {limits}\n"));
        }
        if let Some(keys) = keys {
            let verdict = match keys.check(given, now, LEEWAY) {
                Ok(_) => "good".to_owned(),
                Err(why) => format!("not good: {why}"),
            };
            text.push_str(&format!("signature: {verdict}\n"));
        }
        Ok(text)
    }
}

impl NewKey {
    fn run(self) -> Result<String, String> {
        let secret = peote_relay::access::random_secret()?;
        let id = toml::Value::from(self.id).to_string();
        Ok(format!("[[key]]\nid = {id}\nalgorithm = \"HS256\"\nsecret = \"{secret}\"\n"))
    }
}

/// A moment, and how far it is from now.
fn until(moment: u64, now: u64) -> String {
    let (far, when) = if moment > now { (moment - now, "from now") } else { (now - moment, "ago") };
    let (days, hours, minutes, seconds) = (far / 86_400, far / 3600 % 24, far / 60 % 60, far % 60);
    let far = match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {seconds} s"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    };
    format!("{moment} ({far} {when})")
}
