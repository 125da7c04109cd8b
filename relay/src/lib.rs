//! A relay for the joint protocol, as a library: the same one that the `peote-relay` program runs.
//!
//! [`Relay::bind`] opens it, [`Relay::run`] runs it on the calling thread, [`Relay::turn`] does one
//! step of it for programs with a loop of their own. [`Config`] is everything that it can be told.
//!
//! One thread, every buffer bounded, and nothing that an endpoint does disturbs others: see the
//! "relay program" part of `docs/ARCHITECTURE.md`.

// the unit tests are for the real system
#![cfg(not(all(test, simulated)))]
#![allow(unexpected_cfgs)]

pub mod access;
mod addresses;
mod allow;
mod allowance;
mod bans;
mod blame;
mod causes;
mod clock;
#[cfg(feature = "cluster")]
mod cluster;
pub mod config;
mod connection;
mod connections;
mod deadlines;
mod fair;
mod hellos;
mod http;
mod listen;
mod loans;
mod log;
mod metrics;
mod pace;
mod pages;
mod patience;
mod places;
mod proxy;
mod queue;
mod rate;
mod relay;
mod rest;
mod stats;
mod subjects;
mod system;
mod timers;
mod times;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls_none.rs"]
mod tls;
mod tokens;
mod transport;
mod wait;
mod waits;
pub mod websocket;

pub use bans::{Ban, Banned, TooManyBans};
pub use causes::{Cause, Closed, Counts, Paused, Refused, TurnedAway};
#[cfg(feature = "cluster")]
pub use cluster::{ClusterInfo, ClusterRelay};
pub use config::{Access, Config, ForwardedHeader, Revoked, SlowReceiver};
pub use ipnet::IpNet;
pub use relay::{ChannelInfo, ConnectionInfo, Handle, Relay};
pub use stats::Stats;
