// error: TRANSMIT is below 259 bytes, the longest command

use peote_net::link::LinkBuffers;

static BUFFERS: LinkBuffers<256, 4, 1, 258, 512> = LinkBuffers::new();

fn main() {}
