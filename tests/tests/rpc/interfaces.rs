//! Interfaces that are compared before anything is called.

use peote_net::link::{Event, SendError};
use peote_net::rpc::{ANSWERS, Calls, Heard, INTERFACES, Interface, Procedure, Remote, remote};
use peote_net::value::{BigEndian, Counted, Encode, Form, I24, List, Map, U24};

use crate::peer::{Peer as _, Relay, TestLink, poll, server};

/// What this end expects: a trait with the types of every row of the guide's table.
#[remote(version = "2.1")]
trait Board {
    fn draw(&mut self, x: i16, y: i16, colour: u8);
    fn line(&mut self, points: List<'_, i16>, colour: u8);
    fn say_it(&mut self, text: &str);
    fn count(&self) -> u32;
}

/// The same to the other end: other names in Rust's sense, other types with the same form, and one
/// procedure more.
mod newer {
    use peote_net::rpc::{Ticket, remote};
    use peote_net::value::List;

    #[remote(version = "2.2")]
    pub(super) trait Board {
        fn draw(&mut self, a: i16, b: i16, c: u8);
        fn line(&mut self, points: heapless::Vec<i16, 8>, colour: u8);
        fn sayit(&mut self, text: heapless::String<8>);
        fn count(&self, ticket: Ticket<u32>);
        fn more(&mut self, what: List<'_, u8>);
    }
}

/// Line has another argument.
mod other {
    use peote_net::rpc::remote;

    #[remote(version = "3.0")]
    pub(super) trait Board {
        fn draw(&mut self, x: i16, y: i16, colour: u8);
        fn line(&mut self, points: &[u8], colour: u8);
    }
}

const EXPECTED: &[(u8, &Interface)] = &[(0, BoardCaller::INTERFACE)];

#[derive(Debug, PartialEq)]
enum Told {
    Offer(Remote),
    Mismatch(u8, String, String, u8, String),
    Nothing,
    Other,
}

fn tell<const N: usize>(
    link: &mut TestLink,
    relay: &mut Relay,
    calls: &mut Calls<1, 2, N>,
    message: &[u8],
) -> Told {
    relay.chunk_of_user(message);
    let mut told = None;
    poll(link, relay, |event, out| {
        told = Some(match calls.handle(event, out)? {
            Heard::Offer(remote) => Told::Offer(remote),
            Heard::Mismatch(it) => {
                Told::Mismatch(it.object, it.version.into(), it.theirs.into(), it.procedure, it.name.into())
            }
            Heard::Nothing => Told::Nothing,
            _ => Told::Other,
        });
        Ok::<_, SendError>(())
    });
    told.unwrap()
}

/// PROTOCOL.md, section 8.5: `254, 0, object, version, hashes`.
fn description(object: u8, interface: &Interface) -> Vec<u8> {
    let mut message = vec![INTERFACES, 0, object, u8::try_from(interface.version().len()).unwrap()];
    message.extend(interface.version().as_bytes());
    message.push(u8::try_from(interface.procedures().len()).unwrap());
    for procedure in interface.procedures() {
        message.extend(procedure.hash().to_le_bytes());
    }
    message
}

#[test]
fn an_end_describes_its_objects_to_those_who_describe_theirs() {
    let (mut link, mut relay) = server();
    let mut calls =
        Calls::<1, 2, 4>::new(&[(4, newer::BoardCaller::INTERFACE), (5, other::BoardCaller::INTERFACE)], &[]);
    assert_eq!(tell(&mut link, &mut relay, &mut calls, &[ANSWERS]), Told::Nothing);
    assert!(relay.chunks_sent().is_empty(), "a peer that does not say so is told nothing");
    assert_eq!(tell(&mut link, &mut relay, &mut calls, &[INTERFACES]), Told::Nothing);
    assert_eq!(
        relay.chunks_sent(),
        [description(4, newer::BoardCaller::INTERFACE), description(5, other::BoardCaller::INTERFACE)]
    );
}

// §8.5-equal
#[test]
fn an_object_can_be_called_when_it_is_what_is_expected() {
    for theirs in [BoardCaller::INTERFACE, newer::BoardCaller::INTERFACE] {
        let (mut link, mut relay) = server();
        let mut calls = Calls::<1, 2, 4>::new(&[], EXPECTED);
        for offer in [INTERFACES, ANSWERS, 0] {
            assert_eq!(tell(&mut link, &mut relay, &mut calls, &[offer]), Told::Nothing);
        }
        let told = tell(&mut link, &mut relay, &mut calls, &description(0, theirs));
        let Told::Offer(remote) = told else { panic!("{told:?}") };
        assert!(remote.object() == 0 && remote.answers());
        // once is enough
        assert_eq!(tell(&mut link, &mut relay, &mut calls, &description(0, theirs)), Told::Nothing);
        assert_eq!(tell(&mut link, &mut relay, &mut calls, &[0]), Told::Nothing);
    }
}

/// As the guide has it: the handler calls when it hears of the offer, and the ring is full.
#[test]
fn an_offer_that_comes_when_no_call_can_be_made_is_told_again() {
    let (mut link, mut relay) = server();
    let mut calls = Calls::<1, 2, 4>::new(&[], EXPECTED);
    for offer in [INTERFACES, ANSWERS, 0] {
        tell(&mut link, &mut relay, &mut calls, &[offer]);
    }
    relay.chunk_of_user(&description(0, BoardCaller::INTERFACE));
    let (mut told, mut called) = (0, 0);
    for _ in 0..2 {
        poll(&mut link, &mut relay, |event, out| {
            if let Heard::Offer(remote) = calls.handle(event, out)? {
                told += 1;
                if told == 1 {
                    return Err(SendError::WouldBlock);
                }
                called += 1;
                BoardCaller::new(remote).say_it(out, "x")?;
            }
            Ok::<_, SendError>(())
        });
    }
    assert_eq!((told, called), (2, 1));
}

/// An end that has no room for all that it says when a peer comes says it anew from the beginning.
#[test]
fn what_an_end_says_anew_for_want_of_room_is_told_once() {
    const OFFERED: &[(u8, &Interface)] =
        &[(0, BoardCaller::INTERFACE), (1, BoardCaller::INTERFACE), (2, other::BoardCaller::INTERFACE)];
    const WANTED: &[(u8, &Interface)] =
        &[(0, BoardCaller::INTERFACE), (1, BoardCaller::INTERFACE), (2, BoardCaller::INTERFACE)];
    // what the one says
    let (mut link, mut relay) = server();
    let mut ours = Calls::<1, 2, 4>::new(OFFERED, &[]);
    relay.chunk_of_user(&[INTERFACES]);
    let mut filled = false;
    for _ in 0..2 {
        poll(&mut link, &mut relay, |event, out| {
            let Event::Rpc { from, .. } = event else { panic!("{event:?}") };
            while !filled && out.free() > 70 {
                peote_net::rpc::offer(out, from, 9)?;
            }
            filled = true;
            ours.handle(event, out).map(|_| ())
        });
    }
    let said: Vec<_> = relay.chunks_sent().into_iter().filter(|chunk| chunk[0] == INTERFACES).collect();
    assert!(said.len() > 3, "it has begun anew: {said:?}");
    // what the other one hears
    let (mut link, mut relay) = server();
    let mut theirs = Calls::<1, 2, 5>::new(&[], WANTED);
    for offer in [INTERFACES, ANSWERS, 0, 1, 2] {
        tell(&mut link, &mut relay, &mut theirs, &[offer]);
    }
    let told = said.iter().map(|chunk| tell(&mut link, &mut relay, &mut theirs, chunk));
    let told: Vec<_> = told.filter(|told| *told != Told::Nothing).collect();
    assert!(
        matches!(&told[..], [Told::Offer(zero), Told::Offer(one), Told::Mismatch(2, ..)]
            if zero.object() == 0 && one.object() == 1),
        "{told:?}"
    );
}

/// As existing peers offer.
#[test]
fn an_object_that_is_offered_twice_is_told_once() {
    let (mut link, mut relay) = server();
    let mut calls = Calls::<1, 2, 4>::new(&[], EXPECTED);
    let told = tell(&mut link, &mut relay, &mut calls, &[0]);
    assert!(matches!(told, Told::Offer(_)), "{told:?}");
    assert_eq!(tell(&mut link, &mut relay, &mut calls, &[0]), Told::Nothing);
    // unless its event is kept
    relay.chunk_of_user(&[1]);
    let mut told = 0;
    for _ in 0..3 {
        poll(&mut link, &mut relay, |event, out| {
            told += u8::from(matches!(calls.handle(event, out)?, Heard::Offer(_)));
            if told < 3 { Err(SendError::WouldBlock) } else { Ok(()) }
        });
    }
    assert_eq!(told, 3);
}

#[test]
fn a_shorter_interface_is_compatible() {
    let (mut link, mut relay) = server();
    let mut calls = Calls::<1, 2, 4>::new(&[], &[(0, newer::BoardCaller::INTERFACE)]);
    tell(&mut link, &mut relay, &mut calls, &[INTERFACES]);
    tell(&mut link, &mut relay, &mut calls, &[0]);
    let told = tell(&mut link, &mut relay, &mut calls, &description(0, BoardCaller::INTERFACE));
    assert!(matches!(told, Told::Offer(_)), "{told:?}");
}

#[test]
fn a_mismatch_names_both_versions_and_the_procedure_and_cannot_be_called() {
    let (mut link, mut relay) = server();
    let mut calls = Calls::<1, 2, 4>::new(&[], EXPECTED);
    tell(&mut link, &mut relay, &mut calls, &[INTERFACES]);
    tell(&mut link, &mut relay, &mut calls, &[0]);
    let told = tell(&mut link, &mut relay, &mut calls, &description(0, other::BoardCaller::INTERFACE));
    assert_eq!(told, Told::Mismatch(0, "2.1".into(), "3.0".into(), 1, "line".into()));
    assert_eq!(calls.offers().all(0).count(), 0);
    let again = tell(&mut link, &mut relay, &mut calls, &description(0, other::BoardCaller::INTERFACE));
    assert_eq!(again, Told::Nothing);
    // neither another description nor another offer changes that
    assert_eq!(
        tell(&mut link, &mut relay, &mut calls, &description(0, BoardCaller::INTERFACE)),
        Told::Nothing
    );
    assert_eq!(tell(&mut link, &mut relay, &mut calls, &[0]), Told::Nothing);
    assert_eq!(calls.offers().all(0).count(), 0);
}

// §8.5-silent-peers
#[test]
fn peers_that_describe_nothing_are_taken_at_their_word() {
    let (mut link, mut relay) = server();
    let mut calls = Calls::<1, 2, 4>::new(&[], EXPECTED);
    let told = tell(&mut link, &mut relay, &mut calls, &[0]);
    let Told::Offer(remote) = told else { panic!("{told:?}") };
    assert!(!remote.answers());
    BoardCaller::new(remote).say_it(&mut link.out(), "x").unwrap();
}

#[test]
fn what_was_not_offered_is_not_described_into_being() {
    let (mut link, mut relay) = server();
    let mut calls = Calls::<1, 2, 4>::new(&[], EXPECTED);
    tell(&mut link, &mut relay, &mut calls, &[INTERFACES]);
    let told = tell(&mut link, &mut relay, &mut calls, &description(0, BoardCaller::INTERFACE));
    assert_eq!(told, Told::Nothing);
    assert_eq!(calls.offers().all(0).count(), 0);
}

#[test]
fn offers_beyond_the_table_are_told() {
    let (mut link, mut relay) = server();
    let mut calls = Calls::<1, 2, 2>::new(&[], EXPECTED);
    tell(&mut link, &mut relay, &mut calls, &[INTERFACES]);
    tell(&mut link, &mut relay, &mut calls, &[0]);
    assert_eq!(tell(&mut link, &mut relay, &mut calls, &[1]), Told::Other);
}

/// The numbers of section 8.5, written down once: programs in other languages make the same.
// §8.5-hashes
#[test]
fn forms_and_hashes_are_what_the_protocol_says() {
    assert_eq!(Form::named("i16").number(), fnv(b"i16"));
    let mut list = fnv(b"list");
    for byte in fnv(b"i16").to_le_bytes() {
        list = (list ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    assert_eq!(List::<'_, i16>::FORM.number(), list);
    let draw = Procedure::new("draw_it", &[i16::FORM, u8::FORM], None);
    assert_eq!(draw.hash(), Procedure::new("drawIt", &[i16::FORM, u8::FORM], None).hash());
    assert_ne!(draw.hash(), Procedure::new("draw", &[i16::FORM, u8::FORM], None).hash());
    assert_ne!(draw.hash(), Procedure::new("draw_it", &[u8::FORM, i16::FORM], None).hash());
    assert_ne!(draw.hash(), Procedure::new("draw_it", &[i16::FORM, u8::FORM], Some(<()>::FORM)).hash());
    let hashes: Vec<_> = BoardCaller::INTERFACE.procedures().iter().map(Procedure::hash).collect();
    assert_eq!(hashes, [0x0bc6_719b, 0xb702_f19b, 0x9210_ccbf, 0x37f8_d835]);
}

fn fnv(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[test]
fn each_type_has_a_form_of_its_own() {
    let forms = [
        bool::FORM,
        u8::FORM,
        i8::FORM,
        u16::FORM,
        i16::FORM,
        u32::FORM,
        i32::FORM,
        u64::FORM,
        i64::FORM,
        f32::FORM,
        f64::FORM,
        U24::FORM,
        I24::FORM,
        <&str>::FORM,
        <&[u8]>::FORM,
        <()>::FORM,
        Form::OWN,
        BigEndian::<u16>::FORM,
        BigEndian::<I24>::FORM,
        Option::<u8>::FORM,
        Result::<u8, u16>::FORM,
        Map::<'_, u8, u8>::FORM,
        Map::<'_, u8, u16>::FORM,
        <(u8, u16)>::FORM,
        <(u16, u8)>::FORM,
        Counted::<&str, 1>::FORM,
        Counted::<&str, 2>::FORM,
        peote_net_formats::haxe::Haxe::<u8>::FORM,
        peote_net_formats::messagepack::MessagePack::<u8>::FORM,
    ];
    for (at, form) in forms.iter().enumerate() {
        assert!(!forms[..at].contains(form), "{at}");
    }
    assert_eq!(<[u8; 4]>::FORM, <&[u8]>::FORM);
    assert_eq!(heapless::LinearMap::<u8, u8, 4>::FORM, Map::<'_, u8, u8>::FORM);
}

/// The most bytes that a value takes, as the greatest values show.
#[test]
fn the_most_bytes_of_a_value_are_known() {
    fn holds<T: Encode>(greatest: &T) {
        assert_eq!(greatest.encoded_len().unwrap(), T::MOST);
    }
    holds(&7u64);
    holds(&(true, U24::MAX));
    holds(&Some(1.5f32));
    holds(&Result::<u8, u16>::Err(3));
    holds(&heapless::String::<200>::try_from("x".repeat(200).as_str()).unwrap());
    holds(&[1u16; 127]);
    holds(&[1u16; 128]);
    holds(&heapless::Vec::<u8, 4>::from_slice(&[1, 2, 3, 4]).unwrap());
    assert_eq!(<&str>::MOST, usize::MAX);
    assert_eq!(Option::<&str>::MOST, usize::MAX);
}
