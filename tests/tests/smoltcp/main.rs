//! The smoltcp adapter on a network of smoltcp machines, in memory and on a virtual clock.

mod battery;
mod capture;
mod conformance;
mod connector;
mod device;
mod driver;
#[allow(dead_code, reason = "the tests of embassy use the rest")]
mod hub;
mod link;
mod machine;
mod port_driver;
mod relay;
mod servers;
mod stack;
mod states;
mod station;
