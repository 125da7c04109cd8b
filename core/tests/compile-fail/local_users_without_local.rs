// error: `local_users` needs the feature `local` of peote-net
use peote_net::link::{Link, link_buffers};

type Memory = link_buffers!(chunk: 64, parties: 2, own_channels: 1, local_users: 1, line: 64);

fn main() {
    drop(Link::<Memory>::new());
}
