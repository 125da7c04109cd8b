//! Memberships across whose connections go, and names between relays.

use peote_net::protocol::to_endpoint;
use peote_net::relay::{GrowingStorage, Host, Relay};

use super::super::line::HEAD;
use super::super::{Cluster, NoBus, RelayId};
use super::proxies::UNUSED;
use super::*;
use crate::config::{Access, Config};
use crate::connections::Connections;

const PEER: RelayId = 7;
const NOBODY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

fn connections() -> [ConnectionId; 3] {
    let mut core = Relay::new(GrowingStorage::new());
    [(); 3].map(|()| core.connect().unwrap())
}

/// Connects the stand-in that is listed first. Returns its place.
fn connect(afar: &mut Afar, id: ConnectionId) -> Key {
    let key = afar.next_listed().unwrap();
    assert!(matches!(afar.take_todo(key), Some((None, Todo::Connect(_)))));
    afar.connected(key, Some(id), 0);
    key
}

/// A proxy of a channel of the other relay, which `server` is the server of here. Returns its key,
/// and its place among the connections, too.
fn with_proxy(server: ConnectionId) -> (Afar, Key, u32) {
    let mut afar = Afar::new(1);
    afar.make_proxy(PEER, b"a", 0);
    let key = connect(&mut afar, server);
    afar.channel_is_here(b"a", server);
    (afar, key, crate::places::index(server))
}

/// Does all that a stand-in has to do. Returns how often it has closed.
fn do_all(afar: &mut Afar, key: Key) -> usize {
    let mut closed = 0;
    while let Some((_, todo)) = afar.take_todo(key) {
        match todo {
            Todo::Close => {
                afar.closed(key);
                closed += 1;
            }
            Todo::LoseKnock(tag) => afar.lost_knock(key, tag, true),
            _ => {}
        }
    }
    closed
}

/// Calls `each` with what is to be said to the other relay.
fn records(afar: &mut Afar, mut each: impl FnMut(&Record<'_>)) {
    let message = std::mem::take(afar.peer(PEER, 0).line.message());
    let mut rest = message.get(HEAD..).unwrap_or_default();
    while let Some(record) = Record::take(&mut rest) {
        each(&record);
    }
    afar.peer(PEER, 0).line.message().resize(HEAD, 0);
}

/// What an endpoint said before it went away comes before the word that it has gone.
#[test]
fn what_was_said_before_a_connection_went_is_passed_on_first() {
    let [user, server, _] = connections();
    let mut afar = Afar::new(1);
    afar.make_proxy(PEER, b"a", 0);
    connect(&mut afar, server);
    let place = crate::places::index(server);
    let find = |_, _| Some((user, NOBODY));
    afar.hear(place, &to_endpoint::knock(0, 0, 5, true, 1000, 0).unwrap(), &[]);
    afar.pass_on(0, find);
    let mut member = None;
    records(&mut afar, |record| {
        if let Record::Knock { member: number, .. } = record {
            member = Some(*number);
        }
    });
    let member = member.unwrap();
    afar.hear_record(PEER, &Record::Admitted { member, number: 0 }, 0);
    // the last words, and the end, in one turn
    afar.hear(place, to_endpoint::data_for_server(0, 0, 3).as_bytes(), b"bye");
    afar.connection_gone(user);
    afar.hear(place, &to_endpoint::user_gone(0, 0, 1), &[]);
    assert!(afar.has_work());
    afar.pass_on(0, find);
    let mut said = Vec::new();
    records(&mut afar, |record| {
        said.push(match record {
            Record::ToServer { units, .. } => format!("data {units:?}"),
            Record::Leave { code, .. } => format!("leave {code}"),
            Record::ConnectionGone { connection } => format!("gone {}", *connection == packed(user)),
            other => format!("{other:?}"),
        });
    });
    assert_eq!(said, [format!("data {:?}", b"\x03bye"), "leave 1".into(), "gone true".into()]);
}

/// The last user of a proxy goes, and the next one knocks at the same moment: the proxy stays.
#[test]
fn a_proxy_at_which_somebody_knocks_does_not_go() {
    let [user, server, _] = connections();
    let (mut afar, key, place) = with_proxy(server);
    let find = |_, _| Some((user, NOBODY));
    let knock = |number, ticket| to_endpoint::knock(0, number, ticket, true, 1000, 0).unwrap();
    afar.hear(place, &knock(0, 5), &[]);
    afar.pass_on(0, find);
    afar.hear_record(PEER, &Record::Refused { member: 1, code: 7, words: b"no" }, 0);
    // the next one has knocked before the relay comes to the stand-in, or while it is at it
    for is_late in [false, true] {
        afar.hear(place, &knock(1, 6), &[]);
        if !is_late {
            afar.pass_on(0, find);
        }
        assert_eq!(do_all(&mut afar, key), 0, "it does not close");
        afar.pass_on(0, find);
        assert_eq!(do_all(&mut afar, key), 0);
        assert!(afar.has_proxy(b"a"));
        let members: Vec<_> = afar.peers[&PEER].guests.iter().map(|(member, of)| (*member, of.at)).collect();
        assert_eq!(members.len(), 1);
        assert_eq!(members[0].1, 1);
        afar.hear_record(PEER, &Record::Refused { member: members[0].0, code: 7, words: b"no" }, 0);
    }
    assert_eq!(do_all(&mut afar, key), 1, "now it does");
    assert!(!afar.has_proxy(b"a") && afar.stand_ins() == 0);
}

/// A proxy would keep its name from others here for as long as it stands.
#[test]
fn a_proxy_at_which_nobody_knocks_goes() {
    let [user, server, _] = connections();
    for is_used in [false, true] {
        let (mut afar, key, place) = with_proxy(server);
        if is_used {
            afar.hear(place, &to_endpoint::knock(0, 0, 5, true, 1000, 0).unwrap(), &[]);
            afar.pass_on(0, |_, _| Some((user, NOBODY)));
        }
        afar.end_unused(UNUSED - 1);
        assert_eq!(do_all(&mut afar, key), 0);
        afar.end_unused(UNUSED);
        assert_eq!(do_all(&mut afar, key), usize::from(!is_used));
        assert_eq!(afar.has_proxy(b"a"), is_used);
    }
}

/// What is said last in a channel may wait. Its name does not wait for that for long.
#[test]
fn last_words_can_be_cut_short() {
    let [user, server, _] = connections();
    let (mut afar, key, place) = with_proxy(server);
    for number in [0, 1] {
        afar.hear(place, &to_endpoint::knock(0, number, 5, true, 2, 0).unwrap(), &[]);
    }
    afar.pass_on(0, |_, _| Some((user, NOBODY)));
    for member in [1, 2] {
        afar.hear_record(PEER, &Record::Admitted { member, number: 0 }, 0);
        assert!(afar.carry(PEER, member, true, b"\x03bye", 0));
    }
    afar.hear_record(PEER, &Record::Gone { member: 1, code: 0 }, 0);
    assert_eq!(afar.peers[&PEER].guests.len(), 2, "a byte waits for the window");
    records(&mut afar, |_| {});
    afar.end_proxy(b"a", 0);
    assert!(afar.peers[&PEER].guests.is_empty() && afar.waiting == 0);
    let mut said = Vec::new();
    records(&mut afar, |record| said.push(format!("{record:?}")));
    assert_eq!(said, ["Leave { member: 2, code: 1 }"]);
    // users that go on knocking do not keep it
    afar.hear(place, &to_endpoint::knock(0, 2, 5, true, 2, 0).unwrap(), &[]);
    afar.pass_on(0, |_, _| Some((user, NOBODY)));
    assert!(afar.peers[&PEER].guests.is_empty());
    let mut told = Vec::new();
    while let Some((_, todo)) = afar.take_todo(key) {
        if let Todo::EndUser { user, code } = todo {
            told.push((user, code));
        } else if todo == Todo::Close {
            afar.closed(key);
        }
    }
    told.sort_unstable();
    assert_eq!(told, [(0, 0), (1, 1)]);
    assert!(!afar.has_proxy(b"a") && afar.stand_ins() == 0);
}

/// Another relay that does not keep to the rules can neither have memory counted for ever nor fill
/// it.
#[test]
fn a_relay_that_lies_is_found_out() {
    let [server, double, _] = connections();
    let mut afar = Afar::new(1);
    afar.channel_is_here(b"a", server);
    let knock = Record::Knock { member: 1, connection: 9, address: NOBODY, name: b"a", words: b"" };
    assert!(afar.hear_record(PEER, &knock, 0));
    connect(&mut afar, double);
    assert!(!afar.hear_record(PEER, &knock, 0), "there is such a member");
    // no more than that may wait, and the shortest units are as long as their length
    let units = b"\x01x".repeat(1 << 20);
    let said = Record::ToServer { member: 1, units: &units };
    let most = (WINDOW as usize + (16 << 20)) / (1 << 20);
    assert!((0..most).all(|_| afar.hear_record(PEER, &said, 0)));
    assert!(!afar.hear_record(PEER, &said, 0));
    // many times in one message
    let mut message = Vec::new();
    let list: Vec<u8> = [1; 1000].into();
    Record::ToUsers { members: &list, units: &units }.put(&mut message);
    let mut afar = Afar::new(1);
    afar.make_proxy(PEER, b"a", 0);
    connect(&mut afar, server);
    afar.hear(crate::places::index(server), &to_endpoint::knock(0, 0, 5, true, 0, 0).unwrap(), &[]);
    afar.pass_on(0, |_, _| Some((double, NOBODY)));
    assert!(!afar.hear_records(PEER, &message, 0));
    assert!(afar.memory() < 100 << 20, "{}", afar.memory());
    afar.break_off(PEER);
    assert_eq!(afar.waiting, 0);
}

/// A double that has gone is known no more: neither is its entry kept for ever, nor is the next
/// stand-in, which has its place, taken for it.
#[test]
fn a_double_that_has_gone_is_forgotten() {
    let [server, double, next] = connections();
    let mut afar = Afar::new(1);
    afar.channel_is_here(b"a", server);
    let knock =
        |member, connection| Record::Knock { member, connection, address: NOBODY, name: b"a", words: b"" };
    afar.hear_record(PEER, &knock(1, 99), 0);
    let key = connect(&mut afar, double);
    afar.hear_record(PEER, &Record::ConnectionGone { connection: 99 }, 0);
    assert!(afar.peers[&PEER].doubles.is_empty());
    do_all(&mut afar, key);
    afar.hear_record(PEER, &knock(2, 100), 0);
    assert_eq!(connect(&mut afar, next), key, "it has the place of the one before");
    afar.hear_record(PEER, &Record::ConnectionGone { connection: 99 }, 0);
    assert!(afar.peers[&PEER].hosted.contains_key(&2), "another connection has gone");
}

/// A signature is for the relay that an endpoint is connected to. One relay says names to another
/// as they are, or a name that ends like a signature would be that of another channel there.
#[test]
fn names_that_other_relays_say_have_no_signature() {
    let [endpoint, server, _] = connections();
    let config = Config { access: Access::Mixed, ..Config::default() };
    let mut connections = Connections::new(config, crate::access::Rights::default());
    let mut cluster = Cluster::new("x".into(), 1000, 1, Box::new(NoBus), || 0);
    cluster.afar.make_proxy(PEER, b"a", 0);
    connect(&mut cluster.afar, server);
    connections.cluster = Some(Box::new(cluster));
    let name = b"a~1f~AAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(connections.channel_name(endpoint, name), b"a");
    assert_eq!(connections.channel_name(server, name), name);
}
