//! A relay that is one of many: brings the cluster's state together with core and connections.

use std::io;
use std::time::Duration;

use peote_net::Reason;
use peote_net::relay::{ConnectionId, Home, Outcome};

use super::close::Why;
use super::turns::{OF_A_WRITE, WORK};
use super::{EVENTS, Relay};
use crate::cluster::{Cluster, ClusterInfo, Duty, Key, Options, Others, Todo, Waiter};
use crate::connections::Connections;
use crate::metrics::OfCluster;
use crate::places::narrow;
use crate::queue::BLOCK;
use crate::system::Events;

/// Work that stand-ins may do in a turn, and those that get their turn.
const STAND_INS: usize = 4 * WORK;

/// Milliseconds after which a stand-in whose receiver had no room is tried again.
const AGAIN: u64 = 2;

impl Relay {
    /// What the cluster is like, if this relay is one of a cluster.
    #[must_use]
    pub fn cluster(&self) -> Option<ClusterInfo> {
        self.connections.cluster.as_ref().map(|cluster| cluster.info())
    }

    /// The cluster's figures for the page of metrics.
    pub(super) fn cluster_figures(&self) -> OfCluster {
        Some(Box::new(self.cluster()?))
    }

    /// Begins to be one of a cluster, if the configuration says so.
    pub(super) fn join_cluster(&mut self) -> io::Result<()> {
        let config = &self.connections.config;
        if config.cluster.is_empty() {
            return Ok(());
        }
        let options = Options {
            nats: crate::cluster::NatsOptions {
                servers: config.cluster.clone(),
                name: config.cluster_name.clone(),
                credentials: config.cluster_credentials.clone(),
                root: config.cluster_ca.clone(),
                certificate: config.cluster_certificate.clone().zip(config.cluster_key.clone()),
            },
            lease: config.cluster_lease,
            file: config.cluster_file.clone(),
        };
        let cluster = Cluster::on_nats(options, || Others::new(self.poll.registry()))?;
        self.connections.cluster = Some(Box::new(cluster));
        Ok(())
    }

    /// Asks the system for events, after waiting for some, or for something of the cluster.
    ///
    /// # Errors
    /// Waiting fails.
    pub(super) fn poll(&mut self, events: &mut Events, most: Option<Duration>) -> io::Result<()> {
        let Some(cluster) = self.connections.cluster.as_mut() else { return self.poll.poll(events, most) };
        if !cluster.wait(most)? {
            events.clear();
            return Ok(());
        }
        let polled = self.poll.poll(events, Some(Duration::ZERO));
        cluster.asked(polled.is_ok() && events.iter().count() < EVENTS);
        polled
    }

    /// Hears what there is to be heard. Comes before anybody is served: where the lease is over
    /// nothing more is said in channels that others may have by now.
    ///
    /// # Errors
    /// This relay cannot be one of the cluster.
    pub(super) fn begin_cluster(&mut self) -> io::Result<()> {
        let Connections { cluster: Some(cluster), times, .. } = &mut self.connections else { return Ok(()) };
        cluster.begin_turn(times.last_words());
        if let Some(why) = cluster.refused.take() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        self.do_duties();
        Ok(())
    }

    fn do_duties(&mut self) {
        while let Some(duty) =
            self.connections.cluster.as_mut().and_then(|cluster| cluster.duties.pop_front())
        {
            match duty {
                Duty::Wake(waiter) => self.go_on(waiter),
                Duty::EndAll => {
                    for index in 0..self.connections.slots.len() {
                        self.end_server(narrow(index));
                    }
                }
                Duty::EndChannel(name) => {
                    let server = self.core.channel_named(&name, &self.connections);
                    if let Some((server, ..)) = server {
                        self.end_server(crate::places::index(server));
                    }
                }
            }
        }
    }

    /// Closes a connection that owns channels. There is no other word that tells its endpoint that
    /// they are gone.
    fn end_server(&mut self, index: u32) {
        let Some(id) = self.connections.get(index).map(|connection| connection.id) else { return };
        if self.core.channels_of(id).0 > 0 {
            self.close(index, &Why::Lapsed);
        }
    }

    /// A connection that waited for the directory goes on. What was found out for one that has gone
    /// meanwhile is forgotten.
    fn go_on(&mut self, waiter: Waiter) {
        let (index, generation) = waiter;
        let connection = self.connections.get(index);
        let connection = connection.filter(|connection| connection.id.generation() == generation);
        match connection.map(|connection| connection.wait.directory) {
            Some(until) if until > 0 => self.resume(index, |wait| &mut wait.directory),
            // nor is it kept for the next command of one that waits no more
            _ => {
                if let Some(cluster) = self.connections.cluster.as_mut() {
                    cluster.forget(waiter);
                }
            }
        }
    }

    /// Carries what has been said to and by stand-ins, and sends what is for other relays.
    pub(super) fn end_cluster(&mut self) {
        if self.connections.cluster.is_none() {
            return;
        }
        self.pass_on();
        let mut work = 0;
        let rounds = self.connections.cluster.as_ref().map_or(0, |cluster| cluster.afar.listed());
        for _ in 0..rounds {
            let Some(key) = self.connections.cluster.as_mut().and_then(|cluster| cluster.afar.next_listed())
            else {
                break;
            };
            work += self.serve_stand_in(key);
            if work >= STAND_INS {
                break;
            }
        }
        if work > 0 {
            self.pass_on();
            self.connections.write_dirty(WORK / OF_A_WRITE, WORK * super::turns::BYTES_FOR_WORK);
        }
        if let Some(cluster) = self.connections.cluster.as_mut() {
            cluster.end_turn();
        }
        self.do_duties();
        self.count_cluster();
    }

    /// What is kept for other relays and for those that they speak to counts as memory. Where that
    /// runs out, the one for which most is kept is given up.
    fn count_cluster(&mut self) {
        loop {
            let Connections { cluster: Some(cluster), pool, .. } = &mut self.connections else { return };
            let (now, before) = cluster.count_memory();
            pool.remove(before);
            pool.add(now);
            if !pool.is_exhausted() || !self.give_up_one() {
                return;
            }
        }
    }

    /// Gives up the relay or the connection for which most is kept. Returns whether there is more
    /// memory by that now.
    fn give_up_one(&mut self) -> bool {
        let connection = self.greediest();
        let Some(cluster) = self.connections.cluster.as_mut() else { return false };
        let line = cluster.afar.longest_line().filter(|(bytes, _)| *bytes > 2 * BLOCK);
        match (line, connection) {
            (Some((bytes, relay)), other) if other.is_none_or(|(most, _)| most <= bytes) => {
                cluster.give_up(relay, bytes);
                true
            }
            (_, Some((_, index))) => {
                // what waits for it elsewhere is forgotten when it has been closed, in this turn
                self.connections.give_up(index);
                false
            }
            _ => false,
        }
    }

    /// The connection for which most is kept, in its queue and for its windows, if that is more
    /// than each always may have.
    fn greediest(&mut self) -> Option<(usize, u32)> {
        let Self { core, connections, .. } = self;
        let mut kept: Vec<usize> = connections
            .slots
            .iter()
            .map(|slot| slot.as_ref().map_or(0, |connection| connection.queue.len()))
            .collect();
        for waiting in connections.cluster.as_ref()?.afar.waiting() {
            let receiver = match waiting.is_for_user {
                true => core.user_of(waiting.stand_in, 0, waiting.at),
                false => core.server_of(waiting.stand_in, waiting.at),
            };
            if let Some(kept) = receiver.and_then(|id| kept.get_mut(id.index())) {
                *kept += waiting.bytes;
            }
        }
        let kept = kept.into_iter().enumerate().map(|(place, bytes)| (bytes, narrow(place)));
        let given_up =
            |index: u32| connections.slots[index as usize].as_ref().is_none_or(|found| found.flags.given_up);
        kept.filter(|(bytes, index)| *bytes > 2 * BLOCK && !given_up(*index)).max()
    }

    fn pass_on(&mut self) {
        let Self { core, connections, .. } = self;
        // taken out, because the connections are looked at meanwhile
        let Some(mut cluster) = connections.cluster.take() else { return };
        cluster.pass_on(|server, user| {
            let id = core.user_of(server, 0, user)?;
            let connection = connections.get(crate::places::index(id)).filter(|found| found.id == id)?;
            Some((id, connection.address.ip()))
        });
        connections.cluster = Some(cluster);
    }

    /// Does what a stand-in has to do, as far as that goes. Returns how much work that was.
    fn serve_stand_in(&mut self, key: Key) -> usize {
        self.connections.work = WORK;
        self.connections.served = u32::MAX;
        let before = self.connections.pushed;
        while let Some((id, todo)) =
            self.connections.cluster.as_mut().and_then(|cluster| cluster.afar.take_todo(key))
        {
            if let Some(todo) = self.do_one(key, id, todo) {
                if let Some(cluster) = self.connections.cluster.as_mut() {
                    cluster.afar.put_back(key, todo);
                }
                break;
            }
        }
        let pushed = usize::try_from(self.connections.pushed - before).unwrap_or(WORK);
        1 + pushed.max(WORK.saturating_sub(self.connections.work))
    }

    /// Does one thing for a stand-in. Returns what is left of it.
    fn do_one(&mut self, key: Key, id: Option<ConnectionId>, todo: Todo) -> Option<Todo> {
        let host = &mut self.connections;
        let Some(id) = id else {
            if let Todo::Connect(address) = todo {
                let home =
                    if address.is_unspecified() { Home::default() } else { host.addresses.home(address) };
                let id = self.core.connect_from(home).ok();
                let cluster = host.cluster.as_mut()?;
                cluster.afar.connected(key, id, cluster.now);
            }
            return None;
        };
        match todo {
            Todo::Connect(_) | Todo::CloseUnused => {}
            Todo::Bytes(bytes) => return self.say_for(key, id, &bytes),
            Todo::Admit { user, ticket, number } => {
                self.core.admit_as(id, (0, user, ticket), number, host);
            }
            Todo::Refuse { user, ticket, code, words } => {
                self.core.refuse_as(id, (0, user, ticket), (Reason::of_enter(code), &words), host);
            }
            Todo::EndUser { user, code } => {
                self.core.end_user(id, (0, user), Reason::of_end(code), host);
            }
            Todo::LoseEntered(entered) => {
                self.core.lose_entered(id, entered, host);
            }
            Todo::LoseKnock(tag) => {
                let did_knock = self.core.lose_knock(id, tag, host);
                host.cluster.as_mut()?.afar.lost_knock(key, tag, did_knock);
            }
            Todo::Close => {
                self.core.disconnect(id, host);
                host.cluster.as_mut()?.afar.closed(key);
            }
        }
        None
    }

    /// Says bytes for a stand-in. Returns those that have to wait.
    fn say_for(&mut self, key: Key, id: ConnectionId, bytes: &[u8]) -> Option<Todo> {
        let mut used = 0;
        while used < bytes.len() && self.connections.work > 0 {
            let received = self.core.receive(id, &bytes[used..], &mut self.connections);
            used += received.used;
            match received.outcome {
                Outcome::NeedMore => break,
                Outcome::Enough => self.connections.work = 0,
                Outcome::Close(cause) => {
                    tracing::error!(%cause, "what was made for another relay's endpoint is wrong; its memberships end");
                    let cluster = self.connections.cluster.as_mut()?;
                    cluster.afar.fail(key, cluster.now);
                    return None;
                }
                _ => {
                    let cluster = self.connections.cluster.as_mut()?;
                    cluster.is_held_up = true;
                    return Some(Todo::Bytes(bytes[used..].to_vec()));
                }
            }
        }
        (used < bytes.len()).then(|| Todo::Bytes(bytes[used..].to_vec()))
    }

    /// Whether there is something to be done for the cluster now.
    pub(super) fn has_cluster_work(&self) -> bool {
        self.connections.cluster.as_ref().is_some_and(|cluster| cluster.has_work())
    }

    /// How long the loop may wait at most.
    pub(super) fn cluster_may_wait(&self) -> Option<Duration> {
        let cluster = self.connections.cluster.as_ref()?;
        let millis = if cluster.is_held_up { AGAIN } else { cluster.next() };
        Some(Duration::from_millis(millis))
    }

    /// Stand-ins in the core's table of connections.
    pub(super) fn stand_ins(&self) -> usize {
        self.connections.cluster.as_ref().map_or(0, |cluster| cluster.afar.stand_ins())
    }

    /// The relay stops: its names are free at once, and users and servers elsewhere are told.
    pub(super) fn leave_cluster(&mut self) {
        let Some(mut cluster) = self.connections.cluster.take() else { return };
        for id in cluster.afar.connections() {
            self.core.disconnect(id, &mut self.connections);
        }
        cluster.stop();
    }
}
