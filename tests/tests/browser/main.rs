//! The JavaScript module of examples/browser in Node.js, byte by byte, and its page in a real
//! browser.
//!
//! Node.js and Chromium are needed; `scripts/browser` sees to both.
#![cfg(unix)]

mod calls;
mod chat;
mod chromium;
mod files;
mod game;
mod module;
mod names;
mod package;
#[path = "../common/running.rs"]
#[allow(dead_code, reason = "other tests look at exit codes")]
mod running;
mod tools;
mod try_page;
