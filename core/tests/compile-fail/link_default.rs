// error: PARTIES is 0: a link has room for at least 1 entered channel or user

use peote_net::link::{Link, LinkBuffers};

fn main() {
    // not in a constant, so that it is found only where code is generated
    let link: Link<LinkBuffers<256, 0, 1, 1024, 512>> = Default::default();
    drop(link);
}
