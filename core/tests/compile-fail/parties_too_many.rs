// error: PARTIES is above 65,534, the most a link can number

use peote_net::link::LinkBuffers;

static BUFFERS: LinkBuffers<1, 65_535, 1, 1024, 512> = LinkBuffers::new();

fn main() {}
