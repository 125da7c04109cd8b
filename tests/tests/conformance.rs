//! Every transport of the project, and the doubles that other tests use in their place, against the
//! conformance suite.

#[path = "../../std-adapter/tests/common/tls.rs"]
mod tls;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use embedded_io::{Error as _, Read as _, ReadReady as _, Write as _, WriteReady as _};
use peote_net_std::{Clock, Interest, TcpTransport, Waiter, Watch};
use peote_net_testkit::conformance::{FarRead, Testbed};
use peote_net_testkit::faulty::{Faults, Faulty};
use peote_net_testkit::memory::{self, MemoryTransport};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use socket2::SockRef;
use tls::{Authority, Far, Got};

/// A transport over the loopback interface.
struct Tcp {
    near: Faulty<TcpTransport>,
    far: Option<TcpStream>,
}

impl Tcp {
    fn new(address: &str, faults: Faults) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let far = listener.accept().unwrap().0;
        far.set_nonblocking(true).unwrap();
        far.set_nodelay(true).unwrap();
        Self { near: Faulty::new(TcpTransport::new(near).unwrap(), faults), far: Some(far) }
    }

    fn far(&mut self) -> &mut TcpStream {
        self.far.as_mut().unwrap()
    }
}

impl Testbed for Tcp {
    type Transport<'a> = &'a mut Faulty<TcpTransport>;

    fn transport(&mut self) -> &mut Faulty<TcpTransport> {
        &mut self.near
    }

    fn close(&mut self) {
        self.near.inner().close().unwrap();
    }

    fn far_write(&mut self, bytes: &[u8]) -> usize {
        match self.far().write(bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("{error}"),
        }
    }

    fn far_read(&mut self, buffer: &mut [u8]) -> FarRead {
        match self.far().read(buffer) {
            Ok(0) if !buffer.is_empty() => FarRead::Closed,
            Ok(count) => FarRead::Bytes(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => FarRead::Nothing,
            Err(error) => panic!("{error}"),
        }
    }

    fn far_close(&mut self) {
        self.far().shutdown(Shutdown::Write).unwrap();
    }

    fn far_reset(&mut self) {
        let far = self.far.take().unwrap();
        SockRef::from(&far).set_linger(Some(Duration::ZERO)).unwrap();
    }

    fn step(&mut self) {
        thread::sleep(Duration::from_micros(200));
    }
}

/// The same with TLS.
struct Tls {
    near: Faulty<TcpTransport>,
    far: Option<Far>,
    waiter: Waiter,
    clock: Clock,
}

impl Tls {
    fn new(versions: &[&'static SupportedProtocolVersion], faults: Faults) -> Self {
        let authority = Authority::new();
        let config = authority.certify(&["127.0.0.1"]).config_with(versions);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut far = Far::new(&config, listener.accept().unwrap().0);
        let near = TcpTransport::new(near).unwrap();
        let mut near = near.with_tls("127.0.0.1", &authority.options()).unwrap();
        while !near.write_ready().unwrap() || far.tls.is_handshaking() {
            far.advance().unwrap();
        }
        let clock = Clock::new();
        let waiter = Waiter::new(clock).unwrap();
        Self { near: Faulty::new(near, faults), far: Some(far), waiter, clock }
    }

    fn far(&mut self) -> &mut Far {
        self.far.as_mut().unwrap()
    }
}

impl Testbed for Tls {
    type Transport<'a> = &'a mut Faulty<TcpTransport>;

    /// Less than without, as TLS without optimisation is slow.
    const BULK: usize = 1 << 20;

    fn transport(&mut self) -> &mut Faulty<TcpTransport> {
        &mut self.near
    }

    fn close(&mut self) {
        self.near.inner().close().unwrap();
    }

    fn far_write(&mut self, bytes: &[u8]) -> usize {
        self.far().write(bytes)
    }

    fn far_read(&mut self, buffer: &mut [u8]) -> FarRead {
        match self.far().read(buffer) {
            Got::Bytes(count) => FarRead::Bytes(count),
            Got::Nothing => FarRead::Nothing,
            Got::End => FarRead::Closed,
            Got::CutOff => panic!("cut off"),
        }
    }

    fn far_close(&mut self) {
        self.far().close();
    }

    fn far_reset(&mut self) {
        let far = self.far.take().unwrap();
        SockRef::from(&far.socket).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// As a program does that waits for something else.
    fn step(&mut self) {
        thread::sleep(Duration::from_micros(200));
        if let Some(far) = &mut self.far {
            far.send();
        }
        let mut watches = [Watch::transport(self.near.inner(), Interest::NONE)];
        self.waiter.wait(&mut watches, Some(self.clock.now())).unwrap();
        assert!(!watches[0].is_ready());
    }
}

/// A connection in memory, so that there is nothing but the double to be wrong.
struct Memory {
    near: Faulty<MemoryTransport>,
    far: MemoryTransport,
}

impl Memory {
    fn new(capacity: usize, faults: Faults) -> Self {
        let (near, far) = memory::pair(capacity);
        Self { near: Faulty::new(near, faults), far }
    }
}

impl Testbed for Memory {
    type Transport<'a> = &'a mut Faulty<MemoryTransport>;

    const BULK: usize = 200_000;

    fn transport(&mut self) -> &mut Faulty<MemoryTransport> {
        &mut self.near
    }

    fn close(&mut self) {
        self.near.inner().close();
    }

    fn far_write(&mut self, bytes: &[u8]) -> usize {
        if self.far.write_ready().unwrap() { self.far.write(bytes).unwrap() } else { 0 }
    }

    fn far_read(&mut self, buffer: &mut [u8]) -> FarRead {
        if !self.far.read_ready().unwrap() {
            return FarRead::Nothing;
        }
        match self.far.read(buffer).unwrap() {
            0 if !buffer.is_empty() => FarRead::Closed,
            count => FarRead::Bytes(count),
        }
    }

    fn far_close(&mut self) {
        self.far.close();
    }

    fn far_reset(&mut self) {
        self.far.reset();
    }

    fn step(&mut self) {}
}

mod tcp {
    use super::*;
    peote_net_testkit::conformance!(Tcp::new("127.0.0.1:0", Faults::default()));
}

mod tcp_in_random_pieces {
    use super::*;
    peote_net_testkit::conformance!(Tcp::new(
        "127.0.0.1:0",
        Faults { read_limit: 700, write_limit: 700, random_sizes: true, seed: 3, ..Faults::default() }
    ));
}

mod tls_1_3 {
    use super::*;
    peote_net_testkit::conformance!(Tls::new(&[&TLS13], Faults::default()));
}

mod tls_1_2 {
    use super::*;
    peote_net_testkit::conformance!(Tls::new(&[&TLS12], Faults::default()));
}

mod tls_in_random_pieces {
    use super::*;
    peote_net_testkit::conformance!(Tls::new(
        &[&TLS13],
        Faults { read_limit: 700, write_limit: 700, random_sizes: true, seed: 3, ..Faults::default() }
    ));
}

mod memory_with_room {
    use super::*;
    peote_net_testkit::conformance!(Memory::new(100_000, Faults::default()));
}

mod memory_with_little_room {
    use super::*;
    peote_net_testkit::conformance!(Memory::new(256, Faults::default()));
}

mod memory_byte_by_byte {
    use super::*;
    peote_net_testkit::conformance!(Memory::new(
        5000,
        Faults { read_limit: 1, write_limit: 1, ..Faults::default() }
    ));
}

/// The doubles of failures themselves.
mod faulty {
    use super::*;

    fn faulty(faults: Faults) -> (Faulty<MemoryTransport>, MemoryTransport) {
        let (near, far) = memory::pair(100);
        (Faulty::new(near, faults), far)
    }

    #[test]
    fn fails_after_so_many_reads_and_for_good() {
        let (mut near, mut far) =
            faulty(Faults { fail_after_reads: Some(2), read_limit: 1, ..Faults::default() });
        far.write(b"abc").unwrap();
        assert_eq!(near.read(&mut [0; 8]), Ok(1));
        assert_eq!(near.read(&mut [0; 8]), Ok(1));
        for _ in 0..2 {
            assert!(near.read_ready().unwrap());
            let error = near.read(&mut [0; 8]).unwrap_err();
            assert_eq!(error.kind(), embedded_io::ErrorKind::ConnectionReset);
            assert!(near.write_ready().unwrap());
            assert!(near.write(b"x").is_err());
        }
        assert_eq!((near.reads(), near.writes()), (2, 0));
    }

    #[test]
    fn fails_after_so_many_writes_and_for_good() {
        let (mut near, _far) = faulty(Faults { fail_after_writes: Some(1), ..Faults::default() });
        assert_eq!(near.write(b"abc"), Ok(3));
        assert!(near.write(b"x").is_err());
        assert!(near.read_ready().unwrap());
        assert!(near.read(&mut [0; 8]).is_err());
    }

    #[test]
    fn ends_after_so_many_bytes() {
        let (mut near, mut far) = faulty(Faults { end_after_bytes: Some(3), ..Faults::default() });
        far.write(b"abcdef").unwrap();
        assert_eq!(near.read(&mut [0; 8]), Ok(3));
        assert!(near.read_ready().unwrap());
        assert_eq!(near.read(&mut [0; 8]), Ok(0));
        assert_eq!(near.write(b"x"), Ok(1));
    }

    #[test]
    fn stalls_until_it_is_told_otherwise() {
        let (mut near, mut far) = faulty(Faults::default());
        far.write(b"x").unwrap();
        near.stall_reads(true);
        near.stall_writes(true);
        assert!(!near.read_ready().unwrap() && !near.write_ready().unwrap());
        near.stall_reads(false);
        near.stall_writes(false);
        assert!(near.read_ready().unwrap() && near.write_ready().unwrap());
    }

    #[test]
    fn hesitates_sometimes_but_keeps_its_word() {
        let (mut near, mut far) = faulty(Faults { hesitation: 500, seed: 1, ..Faults::default() });
        let mut refused = 0;
        for _ in 0..100 {
            far.write(b"x").unwrap();
            while !near.read_ready().unwrap() {
                refused += 1;
            }
            for _ in 0..10 {
                assert!(near.read_ready().unwrap());
            }
            assert_eq!(near.read(&mut [0; 8]), Ok(1));
        }
        assert!((50..200).contains(&refused), "{refused}");
    }
}
