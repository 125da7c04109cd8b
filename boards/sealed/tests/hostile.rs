//! What a relay, a stranger or a user without the key can try.

use std::convert::Infallible;

use peote_net_sealed::{
    BROADCAST_OVERHEAD, ChannelKey, HELLO, OVERHEAD, OpenError, Opened, SealError, SealedMember,
    SealedServer, SealedUser, WELCOME,
};
use peote_net_testkit::random::Random;

const KEY: ChannelKey = ChannelKey::new([7; 32]);

fn taken(sealed: &[u8]) -> Result<Vec<u8>, Infallible> {
    Ok(sealed.to_vec())
}

fn welcomed(server: &mut SealedServer, fresh: u8) -> (SealedUser, SealedMember, Vec<u8>) {
    let mut user = SealedUser::new(&KEY, [fresh; HELLO]);
    let mut chunk = Vec::new();
    let member = server
        .welcome(user.hello(), |sealed| {
            chunk = sealed.to_vec();
            Ok::<_, Infallible>(())
        })
        .unwrap()
        .unwrap();
    assert_eq!(user.open(&chunk, &mut []), Ok(Opened::Welcome));
    (user, member, chunk)
}

/// Opens and keeps.
fn open(user: &mut SealedUser, sealed: &[u8]) -> Option<(bool, Vec<u8>)> {
    let mut buffer = [0; 128];
    match user.open(sealed, &mut buffer) {
        Ok(Opened::Chunk(payload)) => Some((false, payload.to_vec())),
        Ok(Opened::Broadcast(payload)) => Some((true, payload.to_vec())),
        _ => None,
    }
}

/// A relay that keeps everything and says it again, changed, in any order, to anybody: what is
/// opened is what was said to that receiver, once and in order; broadcasts may be missing.
#[test]
fn what_is_opened_was_said_once_and_in_order() {
    let mut opened = [0; 3];
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let mut server = SealedServer::new(&KEY, [1; 8]);
        let (mut user, mut member, _) = welcomed(&mut server, 1);
        let (mut other, mut other_member, welcome) = welcomed(&mut server, 2);
        let mut buffer = [0; 128];
        let mut said = [const { Vec::new() }; 3]; // to the user, to all, to the server
        let mut wire = vec![welcome];
        let mut heard = [0; 3];
        for number in 0..200_u8 {
            let payload = vec![number; random.below(20)];
            match random.below(5) {
                0 => {
                    wire.push(member.seal(&payload, &mut buffer, taken).unwrap());
                    said[0].push(payload);
                }
                1 => {
                    wire.push(server.seal_for_all(&payload, &mut buffer, taken).unwrap());
                    said[1].push(payload);
                }
                2 => {
                    wire.push(user.seal(&payload, &mut buffer, taken).unwrap());
                    said[2].push(payload);
                }
                // others of the same channel
                3 => wire.push(other.seal(&payload, &mut buffer, taken).unwrap()),
                _ => wire.push(other_member.seal(&payload, &mut buffer, taken).unwrap()),
            }
            // mostly in order, so that there is something to be opened
            for _ in 0..16 {
                let near = wire.len() - 1 - random.below(wire.len().min(12));
                let at = if random.chance(900) { near } else { random.below(wire.len()) };
                let mut sealed = wire[at].clone();
                if random.chance(200) {
                    let at = random.below(sealed.len());
                    sealed[at] ^= 1 << random.below(8);
                }
                if random.chance(50) {
                    sealed.truncate(random.below(sealed.len() + 1));
                }
                if random.chance(500) {
                    if let Some((is_broadcast, payload)) = open(&mut user, &sealed) {
                        let which = usize::from(is_broadcast);
                        let place = said[which].iter().skip(heard[which]).position(|said| *said == payload);
                        let place = place.unwrap_or_else(|| panic!("seed {seed}: {payload:?} was not said"));
                        assert!(is_broadcast || place == 0, "seed {seed}: out of order");
                        heard[which] += place + 1;
                    }
                } else if let Ok(payload) = member.open(&sealed, &mut buffer) {
                    assert_eq!(said[2].get(heard[2]).map(Vec::as_slice), Some(payload), "seed {seed}");
                    heard[2] += 1;
                }
            }
        }
        opened = [opened[0] + heard[0], opened[1] + heard[1], opened[2] + heard[2]];
    }
    // so that this has tried something
    assert!(opened.iter().all(|&opened| opened > 100), "{opened:?}");
}

/// A recorded session, said again to a server and to a user that have started anew.
#[test]
fn an_old_session_is_refused_in_a_new_one() {
    let mut buffer = [0; 64];
    let mut old = SealedServer::new(&KEY, [1; 8]);
    let (mut user, mut member, welcome) = welcomed(&mut old, 1);
    let to_server = user.seal(b"open the door", &mut buffer, taken).unwrap();
    let to_user = member.seal(b"it is open", &mut buffer, taken).unwrap();
    let to_all = old.seal_for_all(b"hello all", &mut buffer, taken).unwrap();

    // the server is another one, and even the user's number comes again
    let mut new = SealedServer::new(&KEY, [2; 8]);
    let (mut same, mut member, _) = welcomed(&mut new, 1);
    assert_eq!(member.open(&to_server, &mut buffer), Err(OpenError::Refused));
    assert!(!member.is_proven());
    for sealed in [&to_user, &to_all, &welcome] {
        assert_eq!(same.open(sealed, &mut buffer), Err(OpenError::Refused));
    }
    // the user is another one, and the relay plays the old server
    let mut fresh = SealedUser::new(&KEY, [3; HELLO]);
    for sealed in [&welcome, &to_user, &to_all] {
        assert_eq!(fresh.open(sealed, &mut buffer), Err(OpenError::Refused));
    }
    assert!(!fresh.is_welcome());
}

#[test]
fn nothing_is_used_up_by_a_chunk_that_was_not_sent() {
    let mut server = SealedServer::new(&KEY, [1; 8]);
    let (mut user, mut member, _) = welcomed(&mut server, 1);
    let mut buffer = [0; 64];
    assert_eq!(user.seal(b"x", &mut buffer, |_| Err::<(), _>("full")), Err(SealError::Send("full")));
    assert_eq!(user.seal(b"x", &mut [0; OVERHEAD], taken), Err(SealError::Short));
    let sealed = user.seal(b"y", &mut buffer, taken).unwrap();
    assert_eq!(sealed.len(), 1 + OVERHEAD);
    assert_eq!(member.open(&sealed, &mut []), Err(OpenError::Short));
    assert_eq!(member.open(&sealed, &mut buffer), Ok(&b"y"[..]));
    assert_eq!(server.seal_for_all(b"", &mut buffer, |_| Err::<(), _>(1)), Err(SealError::Send(1)));
    let sealed = server.seal_for_all(b"", &mut buffer, taken).unwrap();
    assert_eq!(sealed.len(), BROADCAST_OVERHEAD);
    assert_eq!(user.open(&sealed, &mut []), Ok(Opened::Broadcast(b"")));
}

#[test]
fn before_the_welcome_nothing_is_said_or_heard() {
    let mut server = SealedServer::new(&KEY, [1; 8]);
    let mut buffer = [0; 64];
    let mut user = SealedUser::new(&KEY, [9; HELLO]);
    assert_eq!(user.seal(b"x", &mut buffer, taken), Err(SealError::NotYet));
    let early = server.seal_for_all(b"early", &mut buffer, taken).unwrap();
    assert_eq!(user.open(&early, &mut buffer), Err(OpenError::Refused));
    assert!(server.welcome(&[0; HELLO + 1], taken).unwrap().is_none());
    assert_eq!(WELCOME, 32);
    // a key that is wrong in one bit
    let mut stranger = SealedUser::new(&ChannelKey::new([6; 32]), [8; HELLO]);
    let mut chunk = Vec::new();
    let answer = server.welcome(stranger.hello(), |sealed| {
        chunk = sealed.to_vec();
        Ok::<_, Infallible>(())
    });
    assert!(!answer.unwrap().unwrap().is_proven());
    assert_eq!(stranger.open(&chunk, &mut buffer), Err(OpenError::Refused));
}
