// error: PARTIES is 0: a link has room for at least 1 entered channel or user

use peote_net::link::LinkBuffers;

static BUFFERS: LinkBuffers<256, 0, 1, 1024, 512> = LinkBuffers::new();

fn main() {}
