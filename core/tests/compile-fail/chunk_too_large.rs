// error: CHUNK is above 2,147,483,647 bytes, the longest chunk the protocol can code

use peote_net::link::LinkBuffers;

static BUFFERS: LinkBuffers<0x8000_0000, 1, 1, 1024, 512> = LinkBuffers::new();

fn main() {}
