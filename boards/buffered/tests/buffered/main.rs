//! Drivers as transports, over devices that are connections in memory.

mod conformance;
mod devices;
mod link;
