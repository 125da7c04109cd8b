//! What the library wants to cost at most.

use crate::image::Measured;

/// One aim, and what is measured. In bytes over what smoltcp takes alone.
pub(crate) struct Aim {
    pub(crate) what: &'static str,
    pub(crate) limit: u64,
    pub(crate) measured: i64,
}

impl Aim {
    pub(crate) fn is_met(&self) -> bool {
        self.measured <= i64::try_from(self.limit).unwrap_or(i64::MAX)
    }
}

/// All aims.
pub(crate) fn all(images: &[Measured]) -> Vec<Aim> {
    let [alone, client, both, returning, flow, ..] = images else { return Vec::new() };
    let over = |image: u64, alone: u64| image.cast_signed() - alone.cast_signed();
    let flash = |image: &Measured| over(image.flash, alone.flash);
    let ram = |image: &Measured| over(image.ram, alone.ram + image.buffers);
    let stack = |image: &Measured| over(image.stack, alone.stack);
    vec![
        Aim { what: "client: flash", limit: 2_560, measured: flash(client) },
        Aim { what: "client and server: flash", limit: 4_096, measured: flash(both) },
        Aim { what: "client that comes back: flash", limit: 4_608, measured: flash(returning) },
        Aim { what: "client: static RAM beyond its buffers", limit: 128, measured: ram(client) },
        Aim { what: "client and server: static RAM beyond its buffers", limit: 128, measured: ram(both) },
        Aim {
            what: "client that takes part: flash beyond a client's",
            limit: 700,
            measured: over(flow.flash, client.flash),
        },
        Aim {
            what: "client that takes part: static RAM beyond a client's, for a link and a party",
            limit: 12,
            measured: over(flow.ram, client.ram),
        },
        Aim { what: "client: stack at work", limit: 512, measured: stack(client) },
        Aim { what: "client and server: stack at work", limit: 512, measured: stack(both) },
    ]
}
