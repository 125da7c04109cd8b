//! A link against a scripted transport.

mod again;
mod commands;
mod handles;
mod lost;
mod parties;
mod parts;
mod sizes;
mod support;
