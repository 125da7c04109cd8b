//! A link against a scripted transport.

mod again;
mod lost;
mod parts;
mod support;
