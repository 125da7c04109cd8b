// error: PARTIES is 0: a link without users and entered channels has nobody to talk to

use peote_net::link::{Link, LinkBuffers};

fn main() {
    // not in a constant, so that it is found only where code is generated
    let link: Link<LinkBuffers<256, 0, 1, 1024, 512>> = Default::default();
    drop(link);
}
