//! Results that are no flow.

use peote_net::rpc::remote;

#[remote]
trait Board {
    fn size(&self) -> u16;
    fn save(&mut self) -> Result<(), std::io::Error>;
}

fn main() {}
