//! Signatures that cannot be called from the other end.

use peote_net::rpc::{Context, Ticket, remote};

#[remote]
trait Board {
    fn generic<T>(&mut self, value: T);
    fn lifetime<'a>(&mut self, text: &'a str);
    fn anything(&mut self, value: impl Into<i32>);
    fn some(&mut self) -> impl Into<i32>;
    async fn later(&mut self);
    unsafe fn danger(&mut self);
    fn consume(self);
    fn boxed(self: Box<Self>);
    fn nobody(x: i16);
    fn fill(&mut self, numbers: &mut [u8]);
    fn context(&mut self, x: i16, context: &mut Context<'_>);
    fn ticket(&mut self, x: i16, ticket: Ticket<u8>);
    fn twice(&mut self, ticket: Ticket<u8>) -> u8;
    #[cfg(unix)]
    fn sometimes(&mut self);
    fn dispatch(&mut self);
    const SIZE: u16;
}

#[remote]
trait Generic<T> {
    fn draw(&mut self, x: i16);
}

#[remote(option)]
trait Option {
    fn draw(&mut self, x: i16);
}

#[remote]
struct NoTrait;

fn main() {}
