//! Settings that are good each for itself, and not together.

use std::net::SocketAddr;

use peote_relay::Access;

use super::legacy::Note;
use super::problem::Problem;
use super::settings::{SETTINGS, Settings};
use super::{Loaded, value};

/// Settings that have an effect only with another one, and what that other one has to be.
const CONDITIONS: [(&str, Condition); 10] = [
    ("access-keys", Condition::Access),
    ("access-revoked", Condition::Access),
    ("anonymous-create", Condition::Mixed),
    ("anonymous-enter", Condition::Mixed),
    ("anonymous-max-channels", Condition::Mixed),
    ("anonymous-commands-per-second", Condition::Mixed),
    ("anonymous-messages-per-second", Condition::Mixed),
    ("anonymous-bytes-per-second", Condition::Mixed),
    ("cluster-credentials", Condition::Cluster),
    ("cluster-ca", Condition::Cluster),
];

#[derive(Clone, Copy)]
enum Condition {
    Access,
    Mixed,
    Cluster,
}

impl Condition {
    fn is_met(self, settings: &Settings) -> bool {
        match self {
            Self::Access => settings.relay.access != Access::Open,
            Self::Mixed => settings.relay.access == Access::Mixed,
            Self::Cluster => !settings.relay.cluster.is_empty(),
        }
    }

    /// What is so without it, and what to write.
    fn advice(self, settings: &Settings) -> &'static str {
        match (self, settings.relay.access) {
            (Self::Cluster, _) => "the relay is in no cluster; set cluster, or remove this",
            (_, Access::Open) => {
                "access is open, so every endpoint may create and enter every channel; \
                 set access, or remove this"
            }
            (_, _) => "it is for access = mixed; set that, or remove this",
        }
    }
}

impl Loaded {
    /// Warns of settings that have no effect, because another one is missing.
    pub(super) fn note_without_effect(&mut self) {
        let defaults = Settings::default();
        for (name, condition) in CONDITIONS {
            let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else { continue };
            let is_set = setting.show(&self.settings) != setting.show(&defaults);
            if !is_set || condition.is_met(&self.settings) {
                continue;
            }
            let (prefix, advice) = (self.prefix(name), condition.advice(&self.settings));
            let text = Problem::new(format!("{prefix}{name} has no effect: {advice}"));
            self.notes.push(Note { text, is_warning: true, setting: None });
        }
    }

    /// The first thing that makes the settings useless together.
    pub(super) fn conflict(&self) -> Option<Problem> {
        self.nowhere_to_listen()
            .or_else(|| self.missing_partner())
            .or_else(|| self.twice())
            .or_else(|| self.conflict_of_sizes())
            // Nothing else is known; should the relay come to know more, this says it.
            .or_else(|| self.settings.relay.check().err().map(|error| Problem::new(error.to_string())))
    }

    fn nowhere_to_listen(&self) -> Option<Problem> {
        let relay = &self.settings.relay;
        (relay.listen.is_empty() && relay.listen_tls.is_empty()).then(|| {
            let prefix = self.prefix("listen");
            Problem::new(format!("{prefix}listen = []: write at least one, or listen-tls"))
        })
    }

    /// An address that is named twice.
    fn twice(&self) -> Option<Problem> {
        let relay = &self.settings.relay;
        let all: Vec<(&str, SocketAddr)> = (relay.listen.iter().map(|address| ("listen", *address)))
            .chain(relay.listen_tls.iter().map(|address| ("listen-tls", *address)))
            .collect();
        // one address may be among all of its family
        let is_same = |one: &SocketAddr, other: &SocketAddr| {
            let is_among = one.ip().is_unspecified() || other.ip().is_unspecified();
            one.port() != 0
                && one.port() == other.port()
                && (one.ip() == other.ip() || is_among && one.is_ipv4() == other.is_ipv4())
        };
        all.iter().enumerate().find_map(|(i, (name, address))| {
            let (_, other) = all.iter().take(i).find(|(_, other)| is_same(address, other))?;
            let what = if address == other {
                format!("{address} is there twice")
            } else {
                format!("{address} and {other} have an address in common")
            };
            Some(Problem::new(format!("{}{what}; remove one", self.prefix(name))))
        })
    }

    /// A setting that cannot do without another one.
    fn missing_partner(&self) -> Option<Problem> {
        let relay = &self.settings.relay;
        let has_tls = !relay.listen_tls.is_empty();
        let (has_certificate, has_key) = (relay.tls_certificate.is_some(), relay.tls_key.is_some());
        let (cluster_certificate, cluster_key) =
            (relay.cluster_certificate.is_some(), relay.cluster_key.is_some());
        let pairs = [
            ("listen-tls", has_tls, "tls-certificate", has_certificate),
            ("listen-tls", has_tls, "tls-key", has_key),
            ("tls-certificate", has_certificate, "listen-tls", has_tls),
            ("tls-key", has_key, "listen-tls", has_tls),
            ("cluster-certificate", cluster_certificate, "cluster-key", cluster_key),
            ("cluster-key", cluster_key, "cluster-certificate", cluster_certificate),
        ];
        if relay.access != Access::Open && relay.access_keys.is_none() {
            return Some(Problem::new(format!(
                "{}access = {} needs access-keys, a file with the keys of tokens; set it \
                 (`peote-relay token key ID` prints a key for it), or remove access",
                self.prefix("access"),
                if relay.access == Access::Tokens { "tokens" } else { "mixed" },
            )));
        }
        pairs.into_iter().find(|(_, is_set, _, is_there)| *is_set && !*is_there).map(
            |(known, _, missing, _)| {
                let prefix = self.prefix(known);
                Problem::new(format!("{prefix}{known} needs {missing}; set it, or remove {known}"))
            },
        )
    }

    fn conflict_of_sizes(&self) -> Option<Problem> {
        let relay = &self.settings.relay;
        (relay.memory_bytes < relay.queue_bytes).then(|| {
            Problem::new(format!(
                "{}memory-bytes = {} is less than queue-bytes = {} ({}); \
                 raise memory-bytes or lower queue-bytes",
                self.prefix("memory-bytes"),
                value::show_size(relay.memory_bytes),
                value::show_size(relay.queue_bytes),
                self.show_origin("queue-bytes"),
            ))
        })
    }
}
