//! HTTP/1.1 as far as a relay speaks it: heads of requests, and responses (RFC 9110 and 9112).

mod accept;
mod head;
mod response;

pub(crate) use accept::{Format, format};
pub(crate) use head::{Collected, Head, MAX_HEAD, MAX_LINES, Method};
pub(crate) use response::{Page, Refusal};
