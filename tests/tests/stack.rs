//! A link of the default size on the heap never comes near the stack.

use peote_net::link::{Channel, Event, Link, Mode};
use peote_net::protocol::to_endpoint;
use peote_net::time::Instant;
use peote_net_std::HeapBuffers;
use peote_net_testkit::memory;

#[test]
fn a_link_on_the_heap_in_a_thread_with_a_small_stack() {
    // 17 MB of memory, of which the stack holds nothing
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(|| {
        let mut link = Link::with_buffers(HeapBuffers::default());
        let (mut near, mut far) = memory::pair(1000);
        link.out().create("a", Mode::default()).unwrap();
        embedded_io::Write::write(&mut far, &to_endpoint::success(1, 0)).unwrap();
        let mut created = 0;
        link.poll(&mut near, Instant::ZERO, |event, _| {
            created += usize::from(matches!(event, Event::Opened { channel: Channel::Own(_) }));
        })
        .unwrap();
        created
    });
    assert_eq!(thread.unwrap().join().unwrap(), 1);
}
