//! The wire codec: every unit byte by byte, and any byte string at any cut against a parser that
//! sees the whole stream.

mod cuts;
mod flow;
mod from_endpoints;
mod from_relays;
mod reasons;
mod reference;
mod said;
mod sizes;
