//! The smoltcp adapter on a network of smoltcp machines, in memory and on a virtual clock.

mod conformance;
mod connector;
mod device;
mod driver;
mod hub;
mod link;
mod machine;
mod relay;
mod servers;
mod stack;
mod states;
