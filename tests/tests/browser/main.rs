//! The JavaScript module and the chat page of examples/browser: the module in Node.js, byte by byte, and the page in a real browser, with a
//! real relay and the chat of the terminal.
//!
//! Node.js and Chromium are needed; `scripts/browser` sees to them.
#![cfg(unix)]

mod module;
mod tools;
