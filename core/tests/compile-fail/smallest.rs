// This one compiles: the smallest and the greatest of everything.

use peote_net::link::{Link, LinkBuffers};

static SMALLEST: Link<LinkBuffers<1, 1, 0, 259, 16>> = Link::new();
static GREATEST: LinkBuffers<1, 65_534, 128, 259, 16> = LinkBuffers::new();

fn main() {
    println!("{} {}", SMALLEST.wants_read(), size_of_val(&GREATEST));
}
