//! Links under embassy: embassy-net and serial ports, on embassy's mock clock and a network in
//! memory. What is counted are polls of the task.

mod conformance;
mod executor;
mod net;
mod serial;
mod station;
mod world;

// The network of the tests of smoltcp.
#[allow(dead_code, reason = "those tests use all of it")]
#[path = "../smoltcp/device.rs"]
mod device;
#[allow(dead_code, reason = "those tests use all of it")]
#[path = "../smoltcp/hub.rs"]
mod hub;
#[allow(dead_code, reason = "those tests use all of it")]
#[path = "../smoltcp/machine.rs"]
mod machine;
#[allow(dead_code, reason = "those tests use all of it")]
#[path = "../smoltcp/port_driver.rs"]
mod port_driver;
#[allow(dead_code, reason = "those tests use all of it")]
#[path = "../smoltcp/relay.rs"]
mod relay;
