// error: PARTIES is 0: a link without users and entered channels has nobody to talk to

use peote_net::link::LinkBuffers;

static BUFFERS: LinkBuffers<256, 0, 1, 1024, 512> = LinkBuffers::new();

fn main() {}
