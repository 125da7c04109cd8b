//! Objects and values whose types come by macros of the program: the compiler keeps such a type in
//! a group of its own.

use peote_net::link::{Out, SendError};
use peote_net::rpc::{Calls, Context, Remote, Ticket, remote};
use peote_net::value::{Decode, Encode};

macro_rules! objects {
    ($($object:ident: $context:ty, $ticket:ty, $text:ty, $nothing:ty, $sent:ty, $answer:ty;)*) => {$(
        #[remote]
        trait $object {
            fn say(&mut self, context: $context, text: $text) -> $sent;
            fn clear(&mut self) -> $nothing;
            fn count(&mut self) -> $answer;
            fn later(&mut self, ticket: $ticket, text: $text);
        }
    )*};
}

objects! {
    Made: &mut Context<'_>, Ticket<u32>, &str, (), Result<(), SendError>, Result<u32, SendError>;
}

#[remote]
trait Written {
    fn say(&mut self, context: &mut Context<'_>, text: &str) -> Result<(), SendError>;
    fn clear(&mut self) -> ();
    fn count(&mut self) -> Result<u32, SendError>;
    fn later(&mut self, ticket: Ticket<u32>, text: &str);
}

/// What callers take and return shows whether there is an answer.
fn call(made: MadeCaller, calls: &mut Calls<1>, out: &mut Out<'_>) -> Result<(), SendError> {
    made.say(out, "")?;
    made.clear(out)?;
    let (one, other) = (made.count(out, calls)?, made.later(out, calls, "")?);
    assert_ne!(one, other);
    Ok(())
}

#[test]
fn a_trait_that_a_macro_has_made_is_the_same_as_one_that_was_written() {
    assert_eq!(MadeCaller::INTERFACE.procedures(), WrittenCaller::INTERFACE.procedures());
    let mut link = crate::peer::TestLink::new();
    let server = link.out().enter("a", peote_net::link::Mode::RPC).unwrap();
    let made = MadeCaller::new(Remote::assume(server, 0));
    assert_eq!(call(made, &mut Calls::new(&[], &[]), &mut link.out()), Err(SendError::NotOpen));
}

macro_rules! kinds {
    ($first:expr, $last:expr) => {
        #[derive(Debug, PartialEq, Encode, Decode)]
        enum Kind {
            First = $first,
            Last = $last,
        }
    };
}

kinds!(3, (7));

#[test]
fn numbers_of_variants_that_a_macro_was_given() {
    assert_eq!(Kind::from_bytes(&[3]), Ok(Kind::First));
    assert_eq!(Kind::from_bytes(&[7]), Ok(Kind::Last));
    assert!(Kind::from_bytes(&[0]).is_err());
}
