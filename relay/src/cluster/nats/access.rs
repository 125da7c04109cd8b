//! How this relay is let in by NATS: users, tokens, credentials, certificates.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerAddr};
use percent_encoding::percent_decode_str;
use tokio::sync::mpsc::UnboundedSender;

use super::Options;
use super::whole::whole;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);

/// Looks at the files, so that a relay does not start with one that it cannot use.
///
/// # Errors
/// Which file cannot be used, and why.
pub(super) fn check(options: &Options) -> io::Result<()> {
    let wrong = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
    if let Some(path) = &options.credentials {
        with_credentials(ConnectOptions::new(), path).map_err(wrong)?;
    }
    let certificate = options.certificate.as_ref();
    let pem = [
        ("cluster-ca", options.root.as_ref()),
        ("cluster-certificate", certificate.map(|(certificate, _)| certificate)),
        ("cluster-key", certificate.map(|(_, key)| key)),
    ];
    for (setting, path) in pem {
        let Some(path) = path else { continue };
        if !read(setting, path).map_err(wrong)?.contains("-----BEGIN") {
            return Err(wrong(format!("{setting} {}: this is no PEM file", path.display())));
        }
    }
    Ok(())
}

fn read(setting: &str, path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| {
        format!(
            "{setting} {}: cannot be read: {error}; it has to be there, and the relay's user has to be allowed to read it",
            path.display()
        )
    })
}

fn with_credentials(options: ConnectOptions, path: &Path) -> Result<ConnectOptions, String> {
    let setting = "cluster-credentials";
    options.credentials(&read(setting, path)?).map_err(|error| {
        format!(
            "{setting} {}: {error}; it has to hold a user's JWT and seed, as \"nsc generate creds\" writes them",
            path.display()
        )
    })
}

/// Connects to the first server that can be reached. What happens to the connection later is told
/// as events.
///
/// Files are read again each time, so that new ones can be put in their place.
pub(super) async fn connect(
    options: &Options,
    servers: &[ServerAddr],
    events: UnboundedSender<Event>,
) -> Result<Client, String> {
    let mut how = ConnectOptions::new()
        .name("peote-relay")
        .connection_timeout(CONNECT)
        .request_timeout(Some(CONNECT))
        .ping_interval(Duration::from_secs(2))
        .max_reconnects(1)
        .subscription_capacity(16 * 1024)
        .event_callback(move |event| {
            let _ = events.send(event);
            std::future::ready(())
        });
    if let Some(server) = servers.iter().find(|server| server.has_user_pass()) {
        // the client does not look for them there
        let plain = |text: Option<&str>| {
            let bytes = percent_decode_str(text.unwrap_or_default());
            bytes.decode_utf8_lossy().into_owned()
        };
        how = match server.password() {
            Some(password) => how.user_and_password(plain(server.username()), plain(Some(password))),
            None => how.token(plain(server.username())),
        };
    }
    if let Some(path) = &options.credentials {
        how = with_credentials(how, path)?;
    }
    if let Some(path) = &options.root {
        how = how.add_root_certificates(path.clone()).require_tls(true);
    }
    if let Some((certificate, key)) = &options.certificate {
        how = how.add_client_certificate(certificate.clone(), key.clone()).require_tls(true);
    }
    how.connect(servers).await.map_err(|error| explain(options, &error))
}

/// The client's words, and what to do where they do not say that.
fn explain(options: &Options, error: &ConnectError) -> String {
    let mut what = error.to_string();
    if matches!(error.kind(), ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication) {
        what += &match &options.credentials {
            Some(path) => format!(
                ": NATS does not know the user in cluster-credentials {}, or it has expired or was revoked; make new ones with the account that this server has",
                path.display()
            ),
            None => ": NATS does not let this relay in; set user and password in the addresses of cluster (nats://USER:PASSWORD@HOST:PORT), or cluster-credentials".into(),
        };
    }
    // the client does not say more than that something was wrong with TLS
    what.replacen(&error.to_string(), &whole(error), 1)
}
