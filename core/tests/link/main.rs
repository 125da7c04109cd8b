//! A link against a scripted transport.

mod again;
mod commands;
mod driving;
mod handles;
mod lost;
mod parties;
mod parts;
mod sending;
mod silence;
mod sizes;
mod support;
