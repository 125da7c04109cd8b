//! The vectors, which were made by another implementation than this one. JavaScript checks them,
//! too.

use std::collections::HashMap;
use std::convert::Infallible;

use peote_net_sealed::{ChannelKey, Opened, SealedMember, SealedServer, SealedUser};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.trim_start_matches('-').bytes().collect();
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// What is to be sent.
fn sent(sealed: &[u8]) -> Result<Vec<u8>, Infallible> {
    Ok(sealed.to_vec())
}

#[test]
fn the_vectors() {
    let mut key = None;
    let mut server = None;
    let mut users = HashMap::<&str, SealedUser>::new();
    let mut members = HashMap::<&str, SealedMember>::new();
    let (mut lines, mut buffer, mut opened) = (0, [0; 256], [0; 256]);
    for line in include_str!("../vectors.txt").lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<_> = line.split(' ').collect();
        lines += 1;
        match words[..] {
            ["key", bytes] => key = Some(ChannelKey::new(hex(bytes).try_into().unwrap())),
            ["session", bytes] => {
                let session = hex(bytes).try_into().unwrap();
                server = Some(SealedServer::new(key.as_ref().unwrap(), session));
            }
            ["hello", who, bytes] => {
                let user = SealedUser::new(key.as_ref().unwrap(), hex(bytes).try_into().unwrap());
                assert_eq!(user.hello().as_slice(), hex(bytes));
                users.insert(who, user);
            }
            ["welcome", who, "-", sealed] => {
                let user = users.get_mut(who).unwrap();
                let mut made = Vec::new();
                let answer = server.as_mut().unwrap().welcome(user.hello(), |chunk| {
                    made = chunk.to_vec();
                    Ok::<_, Infallible>(())
                });
                assert_eq!(made, hex(sealed));
                assert_eq!(user.open(&made, &mut []), Ok(Opened::Welcome));
                members.insert(who, answer.unwrap().unwrap());
            }
            ["to-server", who, plain, sealed] => {
                let made = users.get_mut(who).unwrap().seal(&hex(plain), &mut buffer, sent);
                assert_eq!(made, Ok(hex(sealed)), "{line}");
                let member = members.get_mut(who).unwrap();
                assert_eq!(member.open(&hex(sealed), &mut opened), Ok(&hex(plain)[..]));
            }
            ["to-user", who, plain, sealed] => {
                let made = members.get_mut(who).unwrap().seal(&hex(plain), &mut buffer, sent);
                assert_eq!(made, Ok(hex(sealed)), "{line}");
                let user = users.get_mut(who).unwrap();
                assert_eq!(user.open(&hex(sealed), &mut opened), Ok(Opened::Chunk(&hex(plain))));
            }
            ["to-all", who, plain, sealed] => {
                let made = server.as_mut().unwrap().seal_for_all(&hex(plain), &mut buffer, sent);
                assert_eq!(made, Ok(hex(sealed)), "{line}");
                for who in who.split(',').filter(|who| *who != "nobody") {
                    let user = users.get_mut(who).unwrap();
                    assert_eq!(user.open(&hex(sealed), &mut opened), Ok(Opened::Broadcast(&hex(plain))));
                }
            }
            _ => panic!("{line}"),
        }
    }
    assert_eq!(lines, 16);
}
