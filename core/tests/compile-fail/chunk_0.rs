// error: CHUNK is 0: a chunk has at least 1 byte

use peote_net::link::LinkBuffers;

static BUFFERS: LinkBuffers<0, 4, 1, 1024, 512> = LinkBuffers::new();

fn main() {}
