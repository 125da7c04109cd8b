//! Section 12.1: a receiver that does not read.

use super::{Target, strict};
use crate::case::{Case, Outcome};

pub(super) const CASES: &[Case] =
    &[strict("12.1-slow-receiver", "while one user does not read, others go on", slow_receiver)];

fn slow_receiver(target: &Target) -> Outcome {
    let mut slow = target.pair("slow")?;
    let mut others = target.pair("others")?;
    let server = &mut slow.server;
    let (own, number) = (slow.own, slow.number);
    // the relay may stop reading this server, so what it sends is sent beside
    server.conn.set_write_patience(std::time::Duration::from_secs(2));
    std::thread::scope(|scope| {
        let sending = scope.spawn(move || {
            let payload = vec![0; 32_000];
            for _ in 0..500 {
                server.say_to(own, number, &payload);
            }
        });
        let mut result = Ok(());
        while result.is_ok() && !sending.is_finished() {
            result = others.talk();
        }
        result
    })?;
    others.talk()
}
