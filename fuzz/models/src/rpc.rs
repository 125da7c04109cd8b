//! A target for fuzzing typed values and remote procedure calls.

use std::collections::BTreeMap;

use peote_net::chunk::ChunkLimit;
use peote_net::link::{Event, Flow, Link, LinkBuffers, Mode, SendError};
use peote_net::protocol::{items, to_endpoint};
use peote_net::rpc::{Context, Error, Message, Remote, remote};
use peote_net::time::Instant;
use peote_net::value::{Counted, Decode, Encode, I24, List, Map, Reader, U24, Writer};
use peote_net_formats::haxe::Haxe;
use peote_net_formats::haxe::{Date, Instance, Int64, IntMap, List as HaxeList, Object};
use peote_net_formats::messagepack::MessagePack;
use peote_net_testkit::script::Script;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// An object with arguments of every kind.
#[remote]
trait Everything {
    fn nothing(&mut self);
    fn plain(&mut self, a: bool, b: i8, c: U24, d: f64, e: Option<u64>);
    fn borrowed(&mut self, context: &mut Context<'_>, a: &str, b: &[u8]) -> Result<(), SendError>;
    fn lazy(&mut self, a: List<'_, Map<'_, &str, List<'_, I24>>>, b: Map<'_, i32, (u8, &[u8])>);
    fn owned(&mut self, a: heapless::Vec<heapless::String<8>, 4>, b: heapless::LinearMap<u8, [i16; 3], 4>);
}

#[derive(Default)]
struct Called(u32);

impl Everything for Called {
    fn nothing(&mut self) {
        self.0 += 1;
    }
    fn plain(&mut self, _: bool, _: i8, c: U24, _: f64, _: Option<u64>) {
        assert!(c.get() < 1 << 24);
        self.0 += 1;
    }
    fn borrowed(&mut self, context: &mut Context<'_>, a: &str, b: &[u8]) -> Result<(), SendError> {
        EverythingCaller::new(Remote::assume(context.from(), context.object())).borrowed(
            context.out(),
            a,
            b,
        )?;
        self.0 += 1;
        Ok(())
    }
    fn lazy(&mut self, a: List<'_, Map<'_, &str, List<'_, I24>>>, b: Map<'_, i32, (u8, &[u8])>) {
        assert_eq!(a.iter().count(), a.len());
        assert!(a.iter().all(|map| map.iter().all(|(_, list)| list.iter().count() == list.len())));
        assert_eq!(b.iter().count(), b.len());
        self.0 += 1;
    }
    fn owned(&mut self, a: heapless::Vec<heapless::String<8>, 4>, b: heapless::LinearMap<u8, [i16; 3], 4>) {
        assert!(a.len() <= 4 && b.len() <= 4);
        self.0 += 1;
    }
}

/// Reads `bytes` as values of several types, and as a message of remote procedure calls.
///
/// # Panics
///
/// If the library does something that it must not do.
pub fn check(bytes: &[u8]) {
    value::<(bool, u8, i8, u16, i16, u32, i32)>(bytes);
    value::<(u64, i64, U24, I24)>(bytes);
    value::<(&str, &[u8])>(bytes);
    value::<(Counted<&[u8], 1>, Counted<&str, 2>, Counted<&[u8], 3>)>(bytes);
    value::<List<'_, (&str, Option<List<'_, u16>>)>>(bytes);
    value::<Map<'_, &[u8], Map<'_, u8, bool>>>(bytes);
    value::<heapless::Vec<[u8; 2], 16>>(bytes);
    value::<heapless::LinearMap<u8, heapless::String<8>, 16>>(bytes);
    value::<Haxe<Foreign<'_>, 64>>(bytes);
    value::<MessagePack<Foreign<'_>>>(bytes);
    value::<Haxe<Special>>(bytes);
    value::<MessagePack<Special>>(bytes);
    passed_over::<Haxe<IgnoredAny>, Haxe<Guess>>(bytes);
    passed_over::<MessagePack<IgnoredAny>, MessagePack<Guess>>(bytes);
    message(bytes);
}

/// A value that travels through serde.
#[derive(Debug, Serialize, Deserialize)]
enum Foreign<'a> {
    Nothing,
    Text(&'a str),
    Object { number: i32, list: Vec<Option<Foreign<'a>>> },
    Map(BTreeMap<i32, f64>),
}

/// What serde has no word for.
#[derive(Debug, Serialize, Deserialize)]
struct Special {
    when: Option<Date>,
    big: Option<Int64>,
    fields: Option<Object<BTreeMap<String, f64>>>,
    instance: Option<Instance<String, BTreeMap<String, Option<Special>>>>,
    list: Option<HaxeList<Vec<i32>>>,
    map: Option<IntMap<BTreeMap<i32, bool>>>,
}

/// Looks at a value before it knows what it is.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "that it can be read is what counts")]
#[serde(untagged)]
enum Guess {
    Number(f64),
    Text(String),
    Items(Vec<Guess>),
    Fields(BTreeMap<String, Guess>),
    Other(IgnoredAny),
}

/// What a type that guesses can read is passed over, too, and both take the same bytes.
fn passed_over<'a, Ignored: Decode<'a>, Guessed: Decode<'a>>(bytes: &'a [u8]) {
    let mut reader = Reader::new(bytes);
    if reader.read::<Guessed>().is_ok() {
        let behind = reader.remaining().len();
        let mut reader = Reader::new(bytes);
        reader.read::<Ignored>().expect("what can be read can be passed over");
        assert_eq!(reader.remaining().len(), behind);
    }
}

/// What can be read can be written, and read again to the same end.
fn value<'a, T: Decode<'a> + Encode>(bytes: &'a [u8]) {
    let mut reader = Reader::new(bytes);
    let Ok(value) = reader.read::<T>() else { return };
    assert!(reader.remaining().len() < bytes.len(), "every value takes bytes");
    let len = value.encoded_len().expect("what was read can be written");
    let mut buffer = vec![0; len];
    Writer::new(&mut buffer).write(&value).expect("it fits");
    let mut growing = Writer::growing();
    growing.write(&value).expect("there is room");
    assert_eq!(growing.finish(), buffer);
}

fn message(bytes: &[u8]) {
    const MAX: usize = 1024;
    let Some(length) = ChunkLimit::new(1024).encode_length(bytes.len()) else { return };
    let mut link = Link::<LinkBuffers<MAX, 1, 1, 2048, 1024>>::new();
    link.out().create("", Mode::rpc(1024)).expect("nothing is in the way");
    let mut script = Script::default();
    let tag = items::first_tag(MAX).expect("slots are small");
    script.incoming.extend(to_endpoint::success(tag, 0));
    script.incoming.extend(to_endpoint::user_entered(0, 0));
    script
        .incoming
        .extend(to_endpoint::data_for_server(0, 0, bytes.len() + length.as_bytes().len()).as_bytes());
    script.incoming.extend(length.as_bytes());
    script.incoming.extend(bytes);
    let (mut called, mut refused, mut offered) = (Called::default(), 0, 0);
    while !script.incoming.is_empty() {
        link.poll(&mut script, Instant::ZERO, |event, out| {
            let Event::Rpc { from, bytes } = event else { return Ok(Flow::Continue) };
            match Message::read(from, bytes) {
                Message::Call(call) => called.dispatch(&call, out).or_else(|error| match error {
                    Error::Send(error) => Err(error),
                    _ => {
                        refused += 1;
                        Ok(Flow::Continue)
                    }
                }),
                Message::Offer(_) => {
                    offered += 1;
                    Ok(Flow::Continue)
                }
            }
        })
        .expect("a link is not disturbed by what a peer says");
    }
    assert_eq!(called.0 + refused + offered, 1, "every message is called, refused, or an offer");
}
