//! The JavaScript module of examples/browser in Node.js, byte by byte.
//!
//! Node.js is needed; `scripts/browser` sees to it.
#![cfg(unix)]

mod module;
mod tools;
