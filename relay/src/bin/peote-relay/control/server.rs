//! The relay's side.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::time::Duration;

use peote_relay::{Handle, Relay};
use serde_json::{Value, json};
use tracing::{info, warn};

use super::bans::BanFile;
use super::execute::{Beside, execute};
use super::request::Request;
use crate::cli::settings::Settings;

/// The longest that one who asks may keep others waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause before accepting is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// Bytes of the longest request.
const LONGEST: u64 = 64 * 1024;

/// What only the relay's user and group may do with the socket: both may ask.
const MODE: u32 = 0o117;

/// A request, and where its answer goes.
type Asked = (Request, SyncSender<Value>);

/// The socket, and what there is beside the relay.
#[derive(Debug)]
pub(crate) struct Server {
    asked: Receiver<Asked>,
    beside: Beside,
    /// The socket's path, which is removed with it.
    path: Option<PathBuf>,
}

impl Server {
    /// Bans those who are in the file of bans, and opens the socket, where there is to be one.
    ///
    /// # Errors
    /// The file or the socket cannot be used.
    pub(crate) fn open(settings: &Settings, relay: &mut Relay) -> io::Result<Self> {
        let bans = BanFile::open(settings.ban_file.as_deref(), relay)?;
        let beside = Beside { bans, drain_time: settings.drain_time, stops_when_drained: false };
        let (ask, asked) = mpsc::channel();
        let path = settings.control_socket.clone();
        if let Some(path) = &path {
            let wrong = |error: io::Error| {
                let advice = match error.kind() {
                    io::ErrorKind::NotFound => "; make its folder, or choose another one",
                    io::ErrorKind::PermissionDenied => "; let the relay's user write to its folder",
                    _ => "",
                };
                let text = format!("control-socket {}: {error}{advice}", path.display());
                io::Error::new(error.kind(), text)
            };
            let listener = listen(path).map_err(wrong)?;
            let handle = relay.handle();
            std::thread::Builder::new()
                .name("control".into())
                .spawn(move || accept(&listener, |client| serve(client, &ask, &handle)))
                .map_err(wrong)?;
            info!(path = %path.display(), "control socket is open");
        }
        Ok(Self { asked, beside, path })
    }

    /// Has draining take another time from now on, where nothing is said.
    pub(crate) fn set_drain_time(&mut self, time: Duration) {
        self.beside.drain_time = time;
    }

    /// Does what was asked for since the last time.
    pub(crate) fn serve(&mut self, relay: &mut Relay) {
        while let Ok((request, answer)) = self.asked.try_recv() {
            let said = request.is_action().then(|| serde_json::to_string(&request).unwrap_or_default());
            let result = execute(request, relay, &mut self.beside);
            if let Some(request) = said {
                match result["error"].as_str() {
                    None => warn!(request, result = %result, "operator's command carried out"),
                    Some(error) => warn!(request, error, "operator's command failed"),
                }
            }
            // who asked may have gone
            let _ = answer.send(result);
        }
    }

    /// Drains the relay as by the command, without ending it.
    pub(crate) fn drain(&mut self, relay: &mut Relay) {
        relay.drain(self.beside.drain_time);
    }

    /// Whether the relay is to end now, because all have gone.
    pub(crate) fn is_to_stop(&self, relay: &Relay) -> bool {
        self.beside.stops_when_drained && relay.is_drained()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// Opens the socket for the relay's user and group. One that nobody listens on any more is removed
/// first.
fn listen(path: &Path) -> io::Result<UnixListener> {
    if fs::symlink_metadata(path).is_ok_and(|about| about.file_type().is_socket()) {
        if UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another relay listens there"));
        }
        fs::remove_file(path)?;
    }
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(MODE));
    let listener = UnixListener::bind(path);
    rustix::process::umask(before);
    listener
}

/// Calls `serve` with all that come. Waits where the system accepts no connection at the moment,
/// because there is no file descriptor left.
fn accept(listener: &UnixListener, mut serve: impl FnMut(&UnixStream)) {
    let mut is_said = false;
    for client in listener.incoming() {
        match client {
            Ok(client) => {
                is_said = false;
                serve(&client);
            }
            Err(error) => {
                if !std::mem::replace(&mut is_said, true) {
                    warn!(%error, "control-socket: cannot be asked at the moment; tried again until it can");
                }
                std::thread::sleep(AGAIN);
            }
        }
    }
}

/// Reads one request and answers it.
fn serve(client: &UnixStream, ask: &Sender<Asked>, handle: &Handle) {
    let _ = client.set_read_timeout(Some(PATIENCE)).and_then(|()| client.set_write_timeout(Some(PATIENCE)));
    let mut line = String::new();
    let answer = match BufReader::new(client.take(LONGEST)).read_line(&mut line) {
        Ok(0) => return,
        Ok(_) => match serde_json::from_str::<Request>(&line) {
            Ok(request) => {
                let (to, from) = mpsc::sync_channel(1);
                if ask.send((request, to)).is_err() {
                    return;
                }
                handle.wake();
                from.recv().unwrap_or_else(|_| json!({"ok": false, "error": "the relay is stopping"}))
            }
            Err(error) => json!({"ok": false, "error": format!("not a request: {error}")}),
        },
        Err(error) => json!({"ok": false, "error": error.to_string()}),
    };
    let mut client = client;
    let _ = client.write_all(format!("{answer}\n").as_bytes());
}
