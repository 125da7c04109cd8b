//! A link against a scripted transport.

#[cfg(feature = "admission")]
mod admission;
mod again;
#[cfg(feature = "flow")]
mod behind;
#[cfg(feature = "flow")]
mod broadcasts;
mod commands;
mod driving;
#[cfg(feature = "flow")]
mod ended;
mod errors;
#[cfg(feature = "flow")]
mod fate;
#[cfg(feature = "flow")]
mod first_tag;
mod handles;
mod limit;
#[cfg(feature = "local")]
mod local;
mod lost;
mod model;
#[cfg(feature = "flow")]
mod numbers;
mod parties;
mod parts;
mod random;
mod removing;
mod sending;
mod silence;
mod sizes;
mod support;
mod vocabulary;
#[cfg(feature = "flow")]
mod windows;
#[cfg(feature = "admission")]
mod words;
