//! embassy-net at 10.0.0.1, plugged into the hub.

use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Stack, StackResources, StaticConfigV4};

use crate::executor::{Clock, Task};
use crate::hub::{Faults, Hub};
use crate::port_driver::{ETHERNET, Interrupt, PortDriver};

pub(crate) struct World {
    pub(crate) hub: Hub,
    pub(crate) stack: Stack<'static>,
    runner: Task<'static>,
    interrupt: Interrupt,
    port: usize,
    clock: Clock,
    /// How often the processor woke up: any task had something to do.
    pub(crate) wakes: u32,
}

impl World {
    pub(crate) fn new(faults: Faults, seed: u64) -> Self {
        let hub = Hub::new(faults, seed);
        let clock = Clock::at(hub.now().as_millis());
        let driver = PortDriver::new(&hub, ETHERNET);
        let (interrupt, port) = (driver.interrupt(), driver.port.index());
        let address = Ipv4Cidr::new(Ipv4Address::new(10, 0, 0, 1), 24);
        let config =
            Config::ipv4_static(StaticConfigV4 { address, gateway: None, dns_servers: Default::default() });
        // tests may leak
        let resources = Box::leak(Box::new(StackResources::<2>::new()));
        let (stack, mut runner) = embassy_net::new(driver, config, resources, seed);
        let runner = Task::new(async move { runner.run().await });
        Self { hub, stack, runner, interrupt, port, clock, wakes: 0 }
    }

    /// Lets the tasks run until all sleep, which has to be soon, and then lets `millis` pass.
    pub(crate) fn step(&mut self, tasks: &mut [&mut Task<'_>], millis: u64) {
        self.run(tasks);
        self.hub.advance([Some(self.hub.now() + peote_net::time::Duration::from_millis(millis))]);
        self.clock.advance(self.hub.now().as_millis() - embassy_time::Instant::now().as_millis());
        self.run(tasks);
    }

    /// Lets the tasks run until all sleep.
    pub(crate) fn run(&mut self, tasks: &mut [&mut Task<'_>]) {
        if self.hub.has_frame(self.port) {
            self.interrupt.happens();
        }
        for round in 0..100 {
            let mut is_busy = self.runner.poll();
            for task in tasks.iter_mut() {
                is_busy |= task.poll();
            }
            if !is_busy {
                self.wakes += u32::from(round > 0);
                return;
            }
        }
        panic!("a task wakes itself again and again, though nothing happens");
    }
}
