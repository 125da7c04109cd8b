// error: OWN_CHANNELS is above 128, the most the protocol can number

use peote_net::link::LinkBuffers;

static BUFFERS: LinkBuffers<256, 4, 129, 1024, 512> = LinkBuffers::new();

fn main() {}
