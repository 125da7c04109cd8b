//! The clock of a page.

use js_sys::global;
use peote_net::time::Instant;
use wasm_bindgen::JsCast as _;
use web_sys::{Performance, Window, WorkerGlobalScope};

/// Tells the time as the library wants it: milliseconds since the page was opened, by
/// `performance.now()`. Monotonic, never blocks.
///
/// Copies tell the same time. Works in pages and in workers.
#[derive(Clone, Debug)]
pub struct Clock {
    performance: Performance,
}

impl Clock {
    /// Returns the clock of this page or worker; `None` where there is neither.
    #[must_use]
    pub fn new() -> Option<Self> {
        let global = global();
        let performance = match global.dyn_ref::<Window>() {
            Some(window) => window.performance(),
            None => global.dyn_ref::<WorkerGlobalScope>()?.performance(),
        };
        Some(Self { performance: performance? })
    }

    /// Returns the time since the page was opened, in whole milliseconds, rounded down.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates at both ends")]
    pub fn now(&self) -> Instant {
        Instant::from_millis(self.performance.now() as u64)
    }
}
