//! TLS between links and the relay, and between the programs: real sockets, on this machine only.

#[cfg(unix)]
mod chat;
#[path = "../../../std-adapter/tests/common/tls.rs"]
mod far;
mod links;
#[cfg(unix)]
#[path = "../common/running.rs"]
#[allow(dead_code, reason = "other tests start a relay without TLS")]
mod running;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use far::{Authority, Identity};

/// A directory with a certificate for `localhost`, its key, and the certificate of the authority
/// behind it.
struct Files {
    directory: PathBuf,
    authority: Authority,
}

impl Files {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("peote-net-tls-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let authority = Authority::new();
        std::fs::write(directory.join("ca.pem"), authority.pem()).unwrap();
        let files = Self { directory, authority };
        files.show(&files.authority.certify(&["localhost"]));
        files
    }

    /// From its next start, the relay has this certificate.
    fn show(&self, identity: &Identity) {
        std::fs::write(self.certificate(), &identity.pem).unwrap();
        std::fs::write(self.key(), &identity.key_pem).unwrap();
    }

    fn certificate(&self) -> PathBuf {
        self.directory.join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.directory.join("key.pem")
    }

    /// The authority's certificate.
    fn ca(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
