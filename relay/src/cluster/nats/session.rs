//! What speaks to NATS: connects, watches the bucket, carries out what is asked, and passes on what
//! is said.
//!
//! Nothing is decided here. A connection that is lost is a session that is over, with all that was
//! under way; the next one watches the bucket from its beginning.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use async_nats::jetstream::kv::{
    Config, CreateError, CreateErrorKind, Operation, Store, UpdateError, UpdateErrorKind,
};
use async_nats::jetstream::{self, stream::StorageType};
use async_nats::{Client, Event, ServerAddr, Subscriber};
use futures_util::StreamExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::super::bus::News;
use super::super::key::VERSION_KEY;
use super::super::{Ask, Failure, RelayId, VERSION};
use super::access::connect;
use super::whole::whole;
use super::{Command, LEAVE, Options};

/// The pause behind a failure.
const PAUSE: Duration = Duration::from_millis(300);

/// What may come with each message is said once in this time.
const SELDOM: Duration = Duration::from_secs(60);

/// Something that is said seldom, however often it happens.
#[derive(Debug, Default)]
struct Seldom {
    again_at: Option<Instant>,
    unsaid: u64,
}

impl Seldom {
    /// Whether it may be said now, and how often it was not since the last time.
    fn may_say(&mut self, now: Instant) -> Option<u64> {
        if self.again_at.is_some_and(|again_at| now < again_at) {
            self.unsaid += 1;
            return None;
        }
        self.again_at = Some(now + SELDOM);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[derive(Clone)]
pub(super) struct Tell {
    news: UnboundedSender<News>,
    /// Changes fail, which was said; and so does forgetting what was taken out.
    is_failing: Arc<AtomicBool>,
    keeps_marks: Arc<AtomicBool>,
}

impl Tell {
    pub(super) fn new(news: UnboundedSender<News>) -> Self {
        Self { news, is_failing: Arc::default(), keeps_marks: Arc::default() }
    }

    fn tell(&self, news: News) {
        // fails only if the relay is gone
        let _ = self.news.send(news);
    }

    /// Tells what came of a change. A failure that says nothing about the entry is said once.
    fn answered(&self, ticket: u64, result: Result<u64, Failed>) {
        let result = match result {
            Err(error) if !is_conflict(&*error) => {
                if !self.is_failing.swap(true, Ordering::Relaxed) {
                    warn!(
                        reason = %whole(&*error),
                        "a change of the directory was not carried out; look at the limits of the bucket and of the account at NATS"
                    );
                }
                Err(Failure::Unknown)
            }
            Err(_) => Err(Failure::Conflict),
            Ok(revision) => {
                self.is_failing.store(false, Ordering::Relaxed);
                Ok(revision)
            }
        };
        self.tell(News::Answered { ticket, result });
    }
}

type Failed = Box<dyn Error + Send + Sync>;

pub(super) struct Session {
    options: Options,
    servers: Vec<ServerAddr>,
    clock: fn() -> u64,
    tell: Tell,
    me: RelayId,
    /// Further servers that NATS has told of.
    known: Vec<String>,
    /// Why NATS cannot be used, as was said last.
    said: String,
}

/// Why a session is over.
enum Over {
    /// The relay stops.
    Stop,
    /// The connection is lost, or something else went wrong.
    Lost(String),
    /// The relays of the cluster speak another version.
    Version(String),
}

impl From<String> for Over {
    fn from(why: String) -> Self {
        Self::Lost(why)
    }
}

type Lost<T> = Result<T, Over>;

fn why(error: impl std::fmt::Display) -> Over {
    Over::Lost(error.to_string())
}

impl Session {
    pub(super) fn new(options: Options, servers: Vec<ServerAddr>, clock: fn() -> u64, tell: Tell) -> Self {
        Self { options, servers, clock, tell, me: 0, known: Vec::new(), said: String::new() }
    }

    pub(super) async fn run(mut self, mut commands: UnboundedReceiver<Command>) {
        loop {
            match self.session(&mut commands).await {
                Ok(()) | Err(Over::Stop) => return,
                Err(Over::Version(what)) => return self.tell.tell(News::Refused(what)),
                Err(Over::Lost(reason)) => {
                    if self.said != reason {
                        warn!(cluster = %self.options.name, %reason, "NATS cannot be used at the moment; tried again until it can");
                        self.said = reason;
                    }
                }
            }
            self.tell.tell(News::Down);
            if self.wait(&mut commands).await {
                return;
            }
        }
    }

    /// Waits a moment, and finds out whether no server is there at all. Returns whether the relay
    /// stops.
    async fn wait(&mut self, commands: &mut UnboundedReceiver<Command>) -> bool {
        let at = (self.clock)();
        if self.nobody_is_there().await {
            self.tell.tell(News::Dead(at));
        }
        sleep(PAUSE).await;
        while let Ok(command) = commands.try_recv() {
            match command {
                Command::Be(me) => self.me = me,
                Command::Stop => return true,
                // whoever asks is told by "down" that there is no answer
                Command::Ask(_) | Command::Send(..) => {}
            }
        }
        false
    }

    /// Whether the system of each server says that nobody listens there.
    async fn nobody_is_there(&self) -> bool {
        let addresses = self.servers.iter().map(|server| format!("{}:{}", server.host(), server.port()));
        for address in addresses.chain(self.known.iter().cloned()) {
            match timeout(Duration::from_secs(1), TcpStream::connect(&address)).await {
                Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                _ => return false,
            }
        }
        true
    }

    async fn bucket(&self, client: &Client) -> Lost<Store> {
        let context = jetstream::new(client.clone());
        let bucket = format!("peote-{}", self.options.name);
        let config = Config {
            bucket: bucket.clone(),
            description: "channels of relays (peote-relay --cluster)".into(),
            history: 1,
            storage: StorageType::File,
            ..Config::default()
        };
        let store = match context.get_key_value(&bucket).await {
            Ok(store) => store,
            Err(_) => context.create_key_value(config).await.map_err(why)?,
        };
        let ours = VERSION.to_string();
        if store.create(VERSION_KEY, ours.clone().into()).await.is_err() {
            let theirs = store.get(VERSION_KEY).await.map_err(why)?;
            let theirs = theirs.ok_or_else(|| why("the bucket has no version"))?;
            if theirs != ours.as_bytes() {
                let theirs = String::from_utf8_lossy(&theirs).into_owned();
                return Err(Over::Version(format!(
                    "the relays of the cluster {:?} speak version {theirs} among each other and this one version {ours}; \
                     use the same version of peote-relay everywhere, or another --cluster-name for the new ones",
                    self.options.name
                )));
            }
        }
        Ok(store)
    }

    async fn session(&mut self, commands: &mut UnboundedReceiver<Command>) -> Lost<()> {
        let (event_sender, mut events) = unbounded_channel();
        let client = connect(&self.options, &self.servers, event_sender).await?;
        let store = self.bucket(&client).await?;
        self.known = client.server_info().connect_urls;
        let mut mail = self.subscribe(&client).await?;
        let mut watch = Box::pin(store.watch_with_history(">").await.map_err(why)?);
        self.tell.tell(News::Up);
        self.said.clear();
        info!(cluster = %self.options.name, server = %client.server_info().server_name, "connected to NATS");
        let (mut is_whole, mut tasks) = (false, JoinSet::new());
        let [mut dropped, mut reported] = [Seldom::default(), Seldom::default()];
        loop {
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some(Event::Connected) => {}
                    Some(Event::SlowConsumer(_)) => if let Some(unsaid) = dropped.may_say(Instant::now()) {
                        warn!(unsaid, "NATS has dropped messages; the line they were on begins anew");
                    },
                    Some(Event::ServerError(error)) => if let Some(unsaid) = reported.may_say(Instant::now()) {
                        warn!(%error, unsaid, "NATS reports an error");
                    },
                    Some(event) => return Err(why(event)),
                    None => return Err(why("disconnected")),
                },
                entry = watch.next() => {
                    let entry = entry.ok_or_else(|| why("the watch has ended"))?.map_err(why)?;
                    let value = (entry.operation == Operation::Put).then(|| entry.value.to_vec());
                    self.tell.tell(News::Watched { key: entry.key, value, revision: entry.revision });
                    if entry.seen_current && !std::mem::replace(&mut is_whole, true) {
                        self.tell.tell(News::Whole);
                    }
                }
                message = mail.next() => {
                    let message = message.ok_or_else(|| why("the subscription has ended"))?;
                    self.tell.tell(News::Message(message.payload.into()));
                }
                command = commands.recv() => match command {
                    Some(Command::Send(to, message)) => {
                        client.publish(self.subject(to), message.into()).await.map_err(why)?;
                    }
                    Some(Command::Ask(ask)) => {
                        while tasks.try_join_next().is_some() {}
                        // it goes to NATS ahead of all that is sent behind it: who is told that a
                        // channel is gone and asks for its name finds it free
                        let mut asked = answer(store.clone(), ask, self.tell.clone());
                        if poll_fn(|context| Poll::Ready(asked.as_mut().poll(context))).await.is_pending() {
                            tasks.spawn(asked);
                        }
                    }
                    Some(Command::Be(me)) => {
                        self.me = me;
                        mail = self.subscribe(&client).await?;
                    }
                    Some(Command::Stop) | None => {
                        let _ = timeout(LEAVE, async {
                            while tasks.join_next().await.is_some() {}
                            let _ = client.flush().await;
                        }).await;
                        return Err(Over::Stop);
                    }
                },
            }
        }
    }

    fn subject(&self, relay: RelayId) -> String {
        format!("peote.{}.{relay:016x}", self.options.name)
    }

    async fn subscribe(&self, client: &Client) -> Lost<Subscriber> {
        client.subscribe(self.subject(self.me)).await.map_err(why)
    }
}

/// Carries out what the directory asks for, and tells what came of it.
fn answer(store: Store, ask: Ask, tell: Tell) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        match ask {
            Ask::Create { ticket, key, value } => {
                let result = store.create(key, value.into()).await;
                tell.answered(ticket, result.map_err(Into::into));
            }
            Ask::Update { ticket, key, value, revision } => {
                let result = store.update(key, value.into(), revision).await;
                tell.answered(ticket, result.map_err(Into::into));
            }
            Ask::Delete { ticket, key, revision } => {
                let result = store.delete_expect_revision(key, Some(revision)).await;
                tell.answered(ticket, result.map(|()| 0).map_err(Into::into));
            }
            Ask::Purge { ticket, key, revision } => {
                let subject = format!("{}{key}", store.prefix);
                let result = store.stream.purge().filter(subject).sequence(revision + 1).await;
                if let Err(error) = &result
                    && !tell.keeps_marks.swap(true, Ordering::Relaxed)
                {
                    warn!(
                        reason = %whole(error),
                        "the bucket keeps marks of names that were given back; let the relay's user purge it ($JS.API.>)"
                    );
                }
                tell.tell(News::Answered { ticket, result: result.map(|_| 0).map_err(|_| Failure::Unknown) });
            }
            Ask::Get { ticket, key } => {
                let found = store.entry(key).await.map_err(|_| Failure::Unknown);
                let result = found.map(|entry| {
                    let entry = entry.filter(|entry| entry.operation == Operation::Put)?;
                    Some((entry.value.to_vec(), entry.revision))
                });
                tell.tell(News::Got { ticket, result });
            }
        }
    })
}

/// Whether an error stands for a revision that is another one. Not all of the client's kinds of
/// errors say so.
fn is_conflict(error: &(dyn Error + 'static)) -> bool {
    let is_kind = error
        .downcast_ref::<CreateError>()
        .is_some_and(|error| error.kind() == CreateErrorKind::AlreadyExists)
        || error
            .downcast_ref::<UpdateError>()
            .is_some_and(|error| error.kind() == UpdateErrorKind::WrongLastRevision);
    is_kind || whole(error).contains("wrong last sequence")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_with_each_message_is_said_once_in_a_while() {
        let (mut seldom, start) = (Seldom::default(), Instant::now());
        let mut said = Vec::new();
        for millis in (0..150_000).step_by(10) {
            said.extend(seldom.may_say(start + Duration::from_millis(millis)));
        }
        assert_eq!(said, [0, 5999, 5999]);
    }
}
