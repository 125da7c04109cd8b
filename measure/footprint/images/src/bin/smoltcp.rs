//! smoltcp alone: every byte that comes goes back.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use footprint_images::network::Network;
use footprint_images::report;

#[entry]
fn main() -> ! {
    let mut network = Network::start();
    let mut block = [0; 64];
    loop {
        network.poll();
        let socket = network.socket();
        while socket.can_recv() && socket.can_send() {
            let room = socket.send_capacity() - socket.send_queue();
            let some = &mut block[..room.min(64)];
            let Ok(count) = socket.recv_slice(some) else { break };
            if socket.send_slice(&some[..count]) != Ok(count) {
                report::failed(c"less was sent than there was room for");
            }
        }
        if network.is_over() {
            report::end(0);
        }
        network.poll();
        network.sleep(None);
    }
}
