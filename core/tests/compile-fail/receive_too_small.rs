// error: RECEIVE is below 16 bytes: every poll would handle next to nothing

use peote_net::link::{Link, LinkBuffers};

static LINK: Link<LinkBuffers<256, 4, 1, 1024, 15>> = Link::new();

fn main() {}
