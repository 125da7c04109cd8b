//! Results that are no flow and no typed value.

use peote_net::rpc::remote;

#[remote]
trait Board {
    fn size(&self) -> usize;
    fn save(&mut self) -> Result<(), std::io::Error>;
}

fn main() {}
