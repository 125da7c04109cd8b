//! Whether the values of a configuration are in their ranges.

use std::fmt;
use std::ops::RangeInclusive;
#[cfg(any(feature = "tls", feature = "tokens"))]
use std::path::Path;

use super::{Access, Config, origin, policy};

impl Config {
    /// Whether a relay can run with these values.
    ///
    /// # Errors
    /// The first field, in the order of declaration, whose value is outside its range.
    pub fn check(&self) -> Result<(), InvalidConfig> {
        if self.listen.is_empty() && self.listen_tls.is_empty() {
            return Err(InvalidConfig::new("listen", "empty", "at least one address, here or in listen_tls"));
        }
        for (field, file) in [("tls_certificate", &self.tls_certificate), ("tls_key", &self.tls_key)] {
            match file {
                None if !self.listen_tls.is_empty() => {
                    return Err(InvalidConfig::new(
                        field,
                        "not set",
                        "a PEM file, because there is listen_tls",
                    ));
                }
                Some(file) if self.listen_tls.is_empty() => {
                    let allowed =
                        "nothing while listen_tls is empty, because it would be shown to no endpoint";
                    return Err(InvalidConfig::new(field, file.display().to_string(), allowed));
                }
                _ => {}
            }
        }
        within(
            "max_channels_per_connection",
            &self.max_channels_per_connection,
            &Self::MAX_CHANNELS_PER_CONNECTION,
        )?;
        within("max_users_per_channel", &self.max_users_per_channel, &Self::MAX_USERS_PER_CHANNEL)?;
        within("bytes_per_second", &self.bytes_per_second, &Self::BYTES_PER_SECOND)?;
        within("burst", &self.burst, &Self::BURST)?;
        within("max_name_bytes", &self.max_name_bytes, &Self::MAX_NAME_BYTES)?;
        each("allowed_names", &self.allowed_names, policy::check_name_pattern)?;
        each("allowed_origins", &self.allowed_origins, origin::check)?;
        self.check_access()?;
        within("first_byte_timeout", &self.first_byte_timeout, &Self::FIRST_BYTE_TIMEOUT)?;
        within("handshake_timeout", &self.handshake_timeout, &Self::HANDSHAKE_TIMEOUT)?;
        within("idle_timeout", &self.idle_timeout, &Self::IDLE_TIMEOUT)?;
        within("unused_timeout", &self.unused_timeout, &Self::UNUSED_TIMEOUT)?;
        within("keepalive_interval", &self.keepalive_interval, &Self::KEEPALIVE_INTERVAL)?;
        within("max_keepalive_interval", &self.max_keepalive_interval, &Self::MAX_KEEPALIVE_INTERVAL)?;
        within("tcp_keepalive", &self.tcp_keepalive, &Self::TCP_KEEPALIVE)?;
        within("queue_bytes", &self.queue_bytes, &Self::QUEUE_BYTES)?;
        within("memory_bytes", &self.memory_bytes, &Self::MEMORY_BYTES)?;
        if self.memory_bytes < self.queue_bytes {
            let allowed = format!("at least queue_bytes ({})", self.queue_bytes);
            return Err(InvalidConfig::new("memory_bytes", self.memory_bytes.to_string(), allowed));
        }
        within("slow_receiver_grace", &self.slow_receiver_grace, &Self::SLOW_RECEIVER_GRACE)?;
        within("stall_timeout", &self.stall_timeout, &Self::STALL_TIMEOUT)?;
        within(
            "slow_receiver_bytes_per_second",
            &self.slow_receiver_bytes_per_second,
            &Self::SLOW_RECEIVER_BYTES_PER_SECOND,
        )?;
        within("shutdown_timeout", &self.shutdown_timeout, &Self::SHUTDOWN_TIMEOUT)?;
        self.check_cluster()
    }

    fn check_cluster(&self) -> Result<(), InvalidConfig> {
        #[cfg(not(feature = "cluster"))]
        if !self.cluster.is_empty() {
            return Err(InvalidConfig::new(
                "cluster",
                format!("{:?}", self.cluster),
                "nothing: this program was built without the feature cluster",
            ));
        }
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=64).contains(&self.cluster_name.len()) || !self.cluster_name.bytes().all(is_good) {
            let allowed = "1 to 64 letters, digits, - and _";
            return Err(InvalidConfig::new("cluster_name", format!("{:?}", self.cluster_name), allowed));
        }
        if self.cluster_certificate.is_some() != self.cluster_key.is_some() {
            let missing = if self.cluster_key.is_none() { "cluster_key" } else { "cluster_certificate" };
            return Err(InvalidConfig::new(
                missing,
                "not set",
                "a PEM file: certificate and key go together",
            ));
        }
        within("cluster_lease", &self.cluster_lease, &Self::CLUSTER_LEASE)
    }

    fn check_access(&self) -> Result<(), InvalidConfig> {
        if self.access != Access::Open && self.access_keys.is_none() {
            let what = "a TOML file with keys, because access is not open";
            return Err(InvalidConfig::new("access_keys", "not set", what));
        }
        within("access_leeway", &self.access_leeway, &Self::ACCESS_LEEWAY)?;
        each("anonymous_create", &self.anonymous_create, policy::check_name_pattern)?;
        each("anonymous_enter", &self.anonymous_enter, policy::check_name_pattern)?;
        within("anonymous_max_channels", &self.anonymous_max_channels, &Self::MAX_CHANNELS_PER_CONNECTION)?;
        within("anonymous_bytes_per_second", &self.anonymous_bytes_per_second, &Self::BYTES_PER_SECOND)
    }
}

/// A value of a [`Config`] that is outside its range, or names a file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidConfig {
    field: &'static str,
    /// The value, where it is the value that is wrong and not what it stands for.
    value: Option<String>,
    allowed: String,
}

impl InvalidConfig {
    fn new(field: &'static str, value: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { field, value: Some(value.into()), allowed: allowed.into() }
    }

    /// A setting that cannot be had, with any value.
    #[cfg(not(all(feature = "tls", feature = "tokens")))]
    pub(crate) fn whole(field: &'static str, what: impl fmt::Display) -> Self {
        Self { field, value: None, allowed: format!("{}: {what}", field.replace('_', "-")) }
    }

    /// A file that cannot be used.
    #[cfg(any(feature = "tls", feature = "tokens"))]
    pub(crate) fn file(field: &'static str, file: &Path, what: impl fmt::Display) -> Self {
        let allowed = format!("{} {}: {what}", field.replace('_', "-"), file.display());
        Self { field, value: None, allowed }
    }

    /// The name of the field, as in [`Config`].
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// What would be allowed, in words; where the value is a file, what is wrong with that.
    #[must_use]
    pub fn allowed(&self) -> &str {
        &self.allowed
    }
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} is {value}; allowed: {}", self.field, self.allowed),
            None => f.write_str(&self.allowed),
        }
    }
}

impl std::error::Error for InvalidConfig {}

fn within<T: PartialOrd + fmt::Debug>(
    field: &'static str,
    value: &T,
    range: &RangeInclusive<T>,
) -> Result<(), InvalidConfig> {
    if range.contains(value) {
        return Ok(());
    }
    let allowed = format!("{:?} to {:?}", range.start(), range.end());
    Err(InvalidConfig::new(field, format!("{value:?}"), allowed))
}

fn each(
    field: &'static str,
    values: &[String],
    check: fn(&str) -> Option<&'static str>,
) -> Result<(), InvalidConfig> {
    let wrong = values.iter().find_map(|value| Some((value, check(value)?)));
    wrong.map_or(Ok(()), |(value, allowed)| Err(InvalidConfig::new(field, format!("{value:?}"), allowed)))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::super::MIB;
    use super::*;

    #[test]
    fn the_defaults_are_valid_limited_or_not() {
        let mut config = Config::default();
        assert_eq!(config.check(), Ok(()));
        config.lift_limits();
        assert_eq!(config.check(), Ok(()));
    }

    #[test]
    fn a_value_out_of_range_is_named() {
        let config = Config { queue_bytes: 10, ..Config::default() };
        let error = config.check().unwrap_err();
        assert_eq!(error.field(), "queue_bytes");
        assert_eq!(error.to_string(), "queue_bytes is 10; allowed: 65536 to 1073741824");
    }

    #[test]
    fn the_whole_holds_at_least_one_queue() {
        let config = Config { queue_bytes: 2 * MIB, memory_bytes: MIB, ..Config::default() };
        assert_eq!(config.check().unwrap_err().field(), "memory_bytes");
    }

    #[test]
    fn nowhere_to_listen_is_an_error() {
        let config = Config { listen: Vec::new(), ..Config::default() };
        assert_eq!(config.check().unwrap_err().field(), "listen");
    }

    #[test]
    fn tls_needs_a_certificate_and_its_key_and_they_need_tls() {
        let listen_tls = vec!["127.0.0.1:0".parse().unwrap()];
        let (certificate, key) = (Some(PathBuf::from("c.pem")), Some(PathBuf::from("k.pem")));
        let with = |listen_tls: &Vec<_>, tls_certificate: &Option<_>, tls_key: &Option<_>| {
            let (listen_tls, tls_certificate) = (listen_tls.clone(), tls_certificate.clone());
            Config {
                listen: Vec::new(),
                listen_tls,
                tls_certificate,
                tls_key: tls_key.clone(),
                ..Config::default()
            }
            .check()
            .map_err(|error| error.field())
        };
        assert_eq!(with(&listen_tls, &certificate, &key), Ok(()));
        assert_eq!(with(&listen_tls, &None, &key), Err("tls_certificate"));
        assert_eq!(with(&listen_tls, &certificate, &None), Err("tls_key"));
        assert_eq!(with(&Vec::new(), &None, &None), Err("listen"));
        let config = Config { tls_key: key, ..Config::default() };
        assert_eq!(config.check().unwrap_err().field(), "tls_key");
    }

    #[test]
    fn times_out_of_range_are_named_with_their_unit() {
        let config = Config { keepalive_interval: Duration::from_secs(90), ..Config::default() };
        let error = config.check().unwrap_err().to_string();
        assert_eq!(error, "keepalive_interval is 90s; allowed: 100ms to 60s");
    }
}
