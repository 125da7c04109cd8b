//! A device with the ready-made stack.

use peote_net::link::{Error, Event, IntoFlow, Link, LinkBuffers, Out, SendError};
use peote_net::time::Instant;
use peote_net_smoltcp::{Addressing, Config, Progress, RelayAddress, Stack, StackMemory, TransportError};
use smoltcp::phy::Medium;
use smoltcp::wire::{HardwareAddress, IpCidr};

use crate::hub::{Hub, Port};
use crate::machine::{address, hardware};

pub(crate) type SmallLink = Link<LinkBuffers<2048, 4, 1, 4096, 512>>;

/// A stack, a link, and what has become of them.
pub(crate) struct Device {
    hub: Hub,
    pub(crate) port: Port,
    pub(crate) stack: Stack<'static>,
    pub(crate) link: SmallLink,
    /// How polls of the link failed.
    pub(crate) errors: Vec<Error<TransportError>>,
    /// What the progress has become, and when.
    pub(crate) history: Vec<(Instant, Progress)>,
}

/// A static address.
pub(crate) fn fixed(number: u8) -> Addressing {
    Addressing::Static { address: IpCidr::new(address(number), 24), gateway: None }
}

impl Device {
    pub(crate) fn new(hub: &Hub, number: u8, addressing: Addressing, relay: RelayAddress) -> Self {
        Self::with_config(hub, Config::new(hardware(number), addressing, relay, u64::from(number)))
    }

    pub(crate) fn with_config(hub: &Hub, config: Config<'_>) -> Self {
        let medium = match config.hardware_address {
            HardwareAddress::Ip => Medium::Ip,
            HardwareAddress::Ethernet(_) => Medium::Ethernet,
        };
        let mut port = hub.port(medium);
        // tests may leak
        let memory = Box::leak(Box::new(StackMemory::<2048, 2048>::new()));
        let stack = Stack::new(memory, config, &mut port, hub.now()).unwrap();
        let (errors, history) = (Vec::new(), Vec::new());
        Self { hub: hub.clone(), port, stack, link: SmallLink::new(), errors, history }
    }

    /// One turn of the firmware's loop; answers how long it may sleep.
    pub(crate) fn turn<R: IntoFlow<Error = SendError>>(
        &mut self,
        handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
    ) -> Option<Instant> {
        let now = self.hub.now();
        if let Err(error) = self.stack.drive(&mut self.port, &mut self.link, now, handler) {
            self.errors.push(error);
        }
        let progress = self.stack.progress();
        if self.history.last().is_none_or(|(_, last)| *last != progress) {
            self.history.push((now, progress));
        }
        self.stack.next_deadline(&self.link, now)
    }

    /// The same, with nobody interested in events.
    pub(crate) fn idle(&mut self) -> Option<Instant> {
        self.turn(|_, _| ())
    }

    pub(crate) fn progress(&self) -> Progress {
        self.stack.progress()
    }

    /// The kinds of progress it had one after the other.
    pub(crate) fn course(&self) -> Vec<&'static str> {
        let name = |progress: &Progress| match progress {
            Progress::NetworkDown => "down",
            Progress::NoAddress => "no address",
            Progress::Resolving => "resolving",
            Progress::Connecting => "connecting",
            Progress::Connected => "connected",
            Progress::Waiting { .. } => "waiting",
            Progress::Ended { .. } => "ended",
            other => panic!("{other}"),
        };
        self.history.iter().map(|(_, progress)| name(progress)).collect()
    }
}
