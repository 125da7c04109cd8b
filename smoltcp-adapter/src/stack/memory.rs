//! The memory of a stack.

use core::fmt;

use smoltcp::iface::{SocketSet, SocketStorage};
#[cfg(feature = "dns")]
use smoltcp::socket::dns::DnsQuery;
use smoltcp::socket::tcp;

/// How many sockets a [`Stack`](super::Stack) has for itself: one for the relay, and one each for
/// DHCP and DNS if those features are on.
pub const OWN_SOCKETS: usize = 1 + cfg!(feature = "dhcpv4") as usize + cfg!(feature = "dns") as usize;

/// The memory of a [`Stack`](super::Stack), for a `static`: the relay socket's buffers and
/// smoltcp's places for sockets.
///
/// - `RECEIVE`: bytes that the relay may send before they are read: the TCP window. Two frames'
///   worth (2 × 1460) keep it busy.
/// - `TRANSMIT`: bytes that wait for being sent or acknowledged. At least a round trip's worth.
/// - `SOCKETS`: places for sockets, [`OWN_SOCKETS`] or more; more for sockets that the firmware
///   adds through [`Stack::parts`](super::Stack::parts).
///
/// It takes `RECEIVE + TRANSMIT` bytes, rounded up to a multiple of 8,
/// `SOCKETS × size_of::<SocketStorage>()` and 8 more, and with the feature `dns` also
/// `size_of::<DnsQuery>()`, rounded up to a multiple of 8. It is all zero, so that a `static` one
/// lies in `.bss`.
///
/// ```
/// use peote_net_smoltcp::{OWN_SOCKETS, StackMemory};
/// use static_cell::ConstStaticCell;
///
/// /// With a place for one more socket.
/// static MEMORY: ConstStaticCell<StackMemory<'static, 2920, 2920, { OWN_SOCKETS + 1 }>> =
///     ConstStaticCell::new(StackMemory::new());
/// # let memory =
/// MEMORY.take();
/// # let _ = memory;
/// ```
///
/// Sizes that cannot work do not compile:
///
/// ```compile_fail
/// # use peote_net_smoltcp::StackMemory;
/// let memory = StackMemory::<2920, 2920, 0>::new(); // not even the stack's own socket has a place
/// ```
pub struct StackMemory<'a, const RECEIVE: usize, const TRANSMIT: usize, const SOCKETS: usize = OWN_SOCKETS> {
    places: Places<'a, SOCKETS>,
    receive: [u8; RECEIVE],
    transmit: [u8; TRANSMIT],
}

/// smoltcp's free places are not all zero, so they are made when they are needed. The
/// representation keeps the compiler from telling `Unmade` by another value than 0.
#[repr(u8)]
#[allow(
    clippy::large_enum_variant,
    reason = "it is the memory; whether it counts as large depends on the features"
)]
enum Places<'a, const SOCKETS: usize> {
    Unmade = 0,
    Made {
        sockets: [SocketStorage<'a>; SOCKETS],
        #[cfg(feature = "dns")]
        queries: [Option<DnsQuery>; 1],
    },
}

#[cfg(feature = "dns")]
pub(super) type Queries<'a> = &'a mut [Option<DnsQuery>];
#[cfg(not(feature = "dns"))]
pub(super) type Queries<'a> = core::marker::PhantomData<&'a mut ()>;

impl<'a, const RECEIVE: usize, const TRANSMIT: usize, const SOCKETS: usize>
    StackMemory<'a, RECEIVE, TRANSMIT, SOCKETS>
{
    const CHECK: () = {
        assert!(RECEIVE > 0, "RECEIVE, the receive buffer of the relay's socket, must have at least 1 byte");
        assert!(
            TRANSMIT > 0,
            "TRANSMIT, the transmit buffer of the relay's socket, must have at least 1 byte"
        );
        assert!(
            SOCKETS >= OWN_SOCKETS,
            "SOCKETS must be at least OWN_SOCKETS: the stack needs that many itself"
        );
    };

    /// Unused memory.
    #[must_use]
    pub const fn new() -> Self {
        const { Self::CHECK };
        Self { places: Places::Unmade, receive: [0; RECEIVE], transmit: [0; TRANSMIT] }
    }

    pub(super) fn split(&'a mut self) -> (SocketSet<'a>, tcp::Socket<'a>, Queries<'a>) {
        let socket = tcp::Socket::new(
            tcp::SocketBuffer::new(&mut self.receive[..]),
            tcp::SocketBuffer::new(&mut self.transmit[..]),
        );
        self.places = Places::Made {
            sockets: [SocketStorage::EMPTY; SOCKETS],
            #[cfg(feature = "dns")]
            queries: [None],
        };
        match &mut self.places {
            #[cfg(feature = "dns")]
            Places::Made { sockets, queries } => (SocketSet::new(&mut sockets[..]), socket, &mut queries[..]),
            #[cfg(not(feature = "dns"))]
            Places::Made { sockets } => (SocketSet::new(&mut sockets[..]), socket, core::marker::PhantomData),
            // not so, as was just seen to
            Places::Unmade => (SocketSet::new(&mut [][..]), socket, Queries::default()),
        }
    }
}

impl<const RECEIVE: usize, const TRANSMIT: usize, const SOCKETS: usize> Default
    for StackMemory<'_, RECEIVE, TRANSMIT, SOCKETS>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const RECEIVE: usize, const TRANSMIT: usize, const SOCKETS: usize> fmt::Debug
    for StackMemory<'_, RECEIVE, TRANSMIT, SOCKETS>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StackMemory<{RECEIVE}, {TRANSMIT}, {SOCKETS}>")
    }
}

#[cfg(feature = "defmt")]
impl<const RECEIVE: usize, const TRANSMIT: usize, const SOCKETS: usize> defmt::Format
    for StackMemory<'_, RECEIVE, TRANSMIT, SOCKETS>
{
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "StackMemory<{}, {}, {}>", RECEIVE, TRANSMIT, SOCKETS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_the_documented_one() {
        fn check<const RECEIVE: usize, const TRANSMIT: usize, const SOCKETS: usize>() {
            #[cfg(feature = "dns")]
            let query = size_of::<DnsQuery>().next_multiple_of(8);
            #[cfg(not(feature = "dns"))]
            let query = 0;
            let buffers = (RECEIVE + TRANSMIT).next_multiple_of(8);
            let documented = buffers + SOCKETS * size_of::<SocketStorage<'_>>() + 8 + query;
            let size = size_of::<StackMemory<'_, RECEIVE, TRANSMIT, SOCKETS>>();
            assert_eq!(size, documented, "{RECEIVE}, {TRANSMIT}, {SOCKETS}");
        }
        check::<1460, 1460, OWN_SOCKETS>();
        check::<2920, 1460, { OWN_SOCKETS + 3 }>();
        check::<1, 1, OWN_SOCKETS>();
        check::<1000, 1001, { OWN_SOCKETS + 1 }>();
    }
}
