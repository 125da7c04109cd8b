//! A new configuration for a relay that runs.

use std::time::Duration;

use super::close::Why;
use super::open::credentials;
use super::{Relay, receive_buffer};
use crate::access::Rights;
use crate::config::{Config, InvalidConfig};
use crate::connections::Connections;
use crate::listen;
use crate::places::narrow;

impl Relay {
    /// The configuration that the relay runs with: the one that it was opened with, or the last it
    /// was [given](Self::reconfigure), but for what stays.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.connections.config
    }

    /// Goes on with another configuration: limits, times and memory hold at once, for all
    /// connections.
    ///
    /// A lower limit closes no connections: connections above it stay, and new ones are refused
    /// until there are fewer. Times are another matter: a connection that has been silent for
    /// longer than a shorter time allows is closed.
    ///
    /// Returned are the names of the fields, as in [`Config`], whose new value can only take effect
    /// when a relay is opened; the old one stays. They can be [`listen`](Config::listen),
    /// [`listen_tls`](Config::listen_tls) with its certificate and key, and the settings that say
    /// of which cluster this relay is one.
    ///
    /// The files of certificate and key are read again, as by [`reload_tls`](Self::reload_tls), and
    /// so is that of the keys for tokens and signed names.
    ///
    /// # Errors
    /// The configuration is out of its ranges ([`Config::check`]), or a file cannot be used; then
    /// nothing has changed.
    ///
    /// ```
    /// use peote_relay::{Config, Relay};
    ///
    /// let config = Config { listen: vec!["127.0.0.1:0".parse()?], ..Config::default() };
    /// let mut relay = Relay::bind(config.clone())?;
    /// let kept = relay.reconfigure(Config { max_channels: 10, ..config })?;
    /// assert!(kept.is_empty());
    /// assert_eq!(relay.config().max_channels, 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reconfigure(&mut self, mut config: Config) -> Result<Vec<&'static str>, InvalidConfig> {
        config.check()?;
        let mut kept = Vec::new();
        if config.listen != self.connections.config.listen {
            kept.push("listen");
            config.listen.clone_from(&self.connections.config.listen);
        }
        if config.listen_tls != self.connections.config.listen_tls {
            kept.push("listen_tls");
            config.listen_tls.clone_from(&self.connections.config.listen_tls);
            // a certificate without a port, or a port without one, is nothing to go on with
            for (field, new, old) in [
                ("tls_certificate", &mut config.tls_certificate, &self.connections.config.tls_certificate),
                ("tls_key", &mut config.tls_key, &self.connections.config.tls_key),
            ] {
                if new != old {
                    kept.push(field);
                    new.clone_from(old);
                }
            }
        }
        self.keep_cluster(&mut config, &mut kept);
        let rights = Rights::load(&config)?;
        self.credentials = credentials(&config)?;
        self.connections.rights = rights;
        let patience =
            |config: &Config| (config.tcp_keepalive, config.keepalive_interval, config.stall_timeout);
        let has_new_options = patience(&config) != patience(&self.connections.config);
        let is_slower = config.bytes_per_second < self.connections.config.bytes_per_second
            || self.connections.config.bytes_per_second == 0;
        self.set_now(Some(Duration::ZERO));
        self.connections.reconfigure(config.clone());
        self.counted_tables = usize::MAX;
        self.share_memory();
        let now = self.connections.now;
        self.close_revoked();
        for index in 0..self.connections.slots.len() {
            let index = narrow(index);
            let Some(connection) = self.connections.get(index) else { continue };
            if has_new_options {
                listen::set_options(connection.socket(), &config);
                let every = connection.keepalive_every;
                listen::set_probes(connection.socket(), &config, every);
                // the next keepalive sets it again
                connection.flags.patient = false;
            }
            if is_slower {
                receive_buffer::limit(connection.socket(), &config);
            }
            // the next turn looks at all that depends on time
            self.connections.timers.arm(index, now);
        }
        Ok(kept)
    }

    /// What says of which cluster a relay is one cannot change while it is one.
    fn keep_cluster(&self, config: &mut Config, kept: &mut Vec<&'static str>) {
        let old = &self.connections.config;
        for (field, is_new) in [
            ("cluster", config.cluster != old.cluster),
            ("cluster_name", config.cluster_name != old.cluster_name),
            ("cluster_credentials", config.cluster_credentials != old.cluster_credentials),
            ("cluster_ca", config.cluster_ca != old.cluster_ca),
            ("cluster_certificate", config.cluster_certificate != old.cluster_certificate),
            ("cluster_key", config.cluster_key != old.cluster_key),
            ("cluster_file", config.cluster_file != old.cluster_file),
            ("cluster_lease", config.cluster_lease != old.cluster_lease),
        ] {
            if is_new {
                kept.push(field);
            }
        }
        config.cluster.clone_from(&old.cluster);
        config.cluster_name.clone_from(&old.cluster_name);
        config.cluster_credentials.clone_from(&old.cluster_credentials);
        config.cluster_ca.clone_from(&old.cluster_ca);
        config.cluster_certificate.clone_from(&old.cluster_certificate);
        config.cluster_key.clone_from(&old.cluster_key);
        config.cluster_file.clone_from(&old.cluster_file);
        config.cluster_lease = old.cluster_lease;
    }

    /// Closes those who are here by a key that is gone, if that is what the configuration wants.
    fn close_revoked(&mut self) {
        for index in 0..self.connections.slots.len() {
            let index = narrow(index);
            let Connections { slots, rights, config, .. } = &self.connections;
            let Some(Some(connection)) = slots.get(index as usize) else { continue };
            if rights.is_revoked(connection.granted.as_deref(), connection.channels > 0, config) {
                self.close(index, &Why::Revoked);
            }
        }
    }
}
