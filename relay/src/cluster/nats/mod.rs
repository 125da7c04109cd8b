//! NATS: a bucket of `JetStream`'s key-value store is the directory, subjects carry the lines.
//!
//! NATS' client is made for tokio. Its tasks run on the relay's own thread, while the relay waits
//! for events: tokio then waits for the client's socket and for the relay's sockets together. So
//! what comes from another relay wakes one thread, and not one after the other.

mod access;
mod session;
mod wait;
mod whole;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::ServerAddr;
use futures_util::FutureExt;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{sleep, timeout};

use self::session::{Session, Tell};
pub(crate) use self::wait::Others;
use super::bus::{Bus, News};
use super::{Ask, RelayId};

/// How long giving names back may take at the end.
const LEAVE: Duration = Duration::from_secs(2);

/// Where NATS is, and which of its clusters is meant.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) servers: Vec<String>,
    /// The name of the cluster: relays with another one are not seen.
    pub(crate) name: String,
    pub(crate) credentials: Option<PathBuf>,
    pub(crate) root: Option<PathBuf>,
    /// A certificate of this relay, and its key.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
}

enum Command {
    Be(RelayId),
    Ask(Ask),
    Send(RelayId, Vec<u8>),
    Stop,
}

/// The relay's end.
#[derive(Debug)]
pub(crate) struct Nats {
    /// Always there, but for the moment in which this is dropped.
    runtime: Option<Runtime>,
    session: JoinHandle<()>,
    others: Others,
    commands: UnboundedSender<Command>,
    /// What goes to the session when its task runs next: then it is woken without a system call.
    outbox: Vec<Command>,
    news: UnboundedReceiver<News>,
    taken: VecDeque<News>,
    /// The last wait was over before the tasks had their turn.
    is_due: bool,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Command")
    }
}

/// A thread with tasks of tokio cannot wait for tasks of another runtime.
fn within_tokio() -> io::Result<()> {
    if Handle::try_current().is_err() {
        return Ok(());
    }
    let what = "a relay of a cluster cannot be used inside a task of tokio; give it a thread of its own (std::thread::spawn)";
    Err(io::Error::new(io::ErrorKind::Unsupported, what))
}

impl Nats {
    /// Begins. `clock` tells the time that news have, `others` is what else the relay waits for.
    ///
    /// # Errors
    /// An address is none, a file cannot be used, this is called inside a task of tokio, or the
    /// system has nothing left to wait with.
    pub(crate) fn start(
        options: Options,
        clock: fn() -> u64,
        others: impl FnOnce() -> io::Result<Others>,
    ) -> io::Result<Self> {
        within_tokio()?;
        access::check(&options)?;
        let servers = options.servers.iter().map(|server| {
            server.parse::<ServerAddr>().map_err(|error| {
                // what stands in front of the host may be a password
                let host = server.rsplit_once('@').map_or(&**server, |(_, host)| host);
                let what = format!(
                    "cluster: {host:?} is no address of a NATS server, such as nats://127.0.0.1:4222: {error}"
                );
                io::Error::new(io::ErrorKind::InvalidInput, what)
            })
        });
        let servers = servers.collect::<io::Result<Vec<_>>>()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (commands, receiver) = unbounded_channel();
        let (sender, news) = unbounded_channel();
        let session = Session::new(options, servers, clock, Tell::new(sender));
        let (session, others) = {
            let _guard = runtime.enter();
            (runtime.spawn(session.run(receiver)), others()?)
        };
        Ok(Self {
            runtime: Some(runtime),
            session,
            others,
            commands,
            outbox: Vec::new(),
            news,
            taken: VecDeque::new(),
            is_due: true,
        })
    }
}

/// Hands commands to the session.
fn hand_out(outbox: &mut Vec<Command>, commands: &UnboundedSender<Command>) {
    for command in outbox.drain(..) {
        // fails only if the session has ended, of which there are news
        let _ = commands.send(command);
    }
}

impl Bus for Nats {
    fn be(&mut self, me: RelayId) {
        self.outbox.push(Command::Be(me));
    }

    fn ask(&mut self, ask: Ask) {
        self.outbox.push(Command::Ask(ask));
    }

    fn send(&mut self, to: RelayId, message: Vec<u8>) {
        self.outbox.push(Command::Send(to, message));
    }

    fn take(&mut self) -> Option<News> {
        self.taken.pop_front().or_else(|| self.news.try_recv().ok())
    }

    fn flush(&mut self) {
        let Self { runtime: Some(runtime), outbox, commands, is_due, .. } = self else { return };
        if outbox.is_empty() && !*is_due {
            return;
        }
        *is_due = false;
        runtime.block_on(async {
            hand_out(outbox, commands);
            yield_now().await;
        });
    }

    fn wait(&mut self, most: Option<Duration>) -> io::Result<bool> {
        within_tokio()?;
        let Self { runtime: Some(runtime), others, outbox, commands, news, taken, is_due, .. } = self else {
            return Ok(true);
        };
        if others.are_ready() {
            *is_due = true;
            return Ok(true);
        }
        Ok(runtime.block_on(async {
            hand_out(outbox, commands);
            let time = async {
                match most {
                    None => std::future::pending().await,
                    Some(Duration::ZERO) => yield_now().await,
                    Some(most) => sleep(most).await,
                }
            };
            tokio::select! {
                biased;
                Some(first) = news.recv() => taken.push_back(first),
                () = others.ready() => {}
                () = time => {}
            }
            // sockets have their turn, however much there is to hear
            others.are_ready() || others.ready().now_or_never().is_some()
        }))
    }

    fn asked(&mut self, is_all: bool) {
        self.others.asked(is_all);
    }

    fn stop(&mut self) {
        let Self { runtime: Some(runtime), session, outbox, commands, .. } = self else { return };
        outbox.push(Command::Stop);
        runtime.block_on(async {
            hand_out(outbox, commands);
            let _ = timeout(2 * LEAVE, session).await;
        });
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // not as it is dropped otherwise, which panics inside a task of tokio
            runtime.shutdown_background();
        }
    }
}
