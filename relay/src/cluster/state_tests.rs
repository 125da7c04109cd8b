//! Who is heard, and what is kept of those who have gone.

use super::super::key::{relay_key, relay_value};
use super::super::line::{HEAD, Line};
use super::*;

const PEER: RelayId = 7;

/// One that tells this, and nothing more.
struct Telling(VecDeque<News>);

impl Bus for Telling {
    fn be(&mut self, _: RelayId) {}
    fn ask(&mut self, _: super::super::Ask) {}
    fn send(&mut self, _: RelayId, _: Vec<u8>) {}
    fn take(&mut self) -> Option<News> {
        self.0.pop_front()
    }
    fn flush(&mut self) {}
    fn wait(&mut self, _: Option<Duration>) -> io::Result<bool> {
        Ok(true)
    }
    fn asked(&mut self, _: bool) {}
    fn stop(&mut self) {}
}

/// A relay that has heard this.
fn after(news: impl IntoIterator<Item = News>) -> Cluster {
    let bus = Telling(news.into_iter().collect());
    let mut cluster = Cluster::new("x".into(), 1000, 1, Box::new(bus), || 0);
    cluster.begin_turn(1000);
    cluster
}

/// A relay wants to begin a line.
fn open(from: RelayId) -> News {
    let mut line = Line::new(1, 0);
    line.message();
    let message = line.say(from, 0, 1000).unwrap();
    assert_eq!(message.len(), HEAD);
    News::Message(message)
}

fn lease(of: RelayId, is_there: bool) -> News {
    News::Watched { key: relay_key(of), value: is_there.then(|| relay_value(1)), revision: of }
}

#[test]
fn only_relays_of_the_directory_are_heard() {
    assert!(after([News::Up, News::Whole, open(PEER)]).afar.peer_ids().is_empty());
    assert_eq!(after([News::Up, lease(PEER, true), News::Whole, open(PEER)]).afar.peer_ids(), [PEER]);
    // what one has said that is gone comes late
    let gone = [News::Up, lease(PEER, true), News::Whole, open(PEER), lease(PEER, false), open(PEER)];
    assert!(after(gone).afar.peer_ids().is_empty());
    // messages of many that there are not
    let strangers = (1..4000).map(open);
    assert!(after([News::Up, News::Whole].into_iter().chain(strangers)).afar.peer_ids().is_empty());
}

/// A look at the directory can show a relay that never comes.
#[test]
fn a_relay_that_nothing_is_heard_of_is_forgotten() {
    let mut cluster = after([News::Up, News::Whole]);
    cluster.afar.peer(PEER, 0).line.message();
    for (now, is_there) in [(999, true), (1000, true), (1999, true), (2000, false)] {
        cluster.now = now;
        cluster.tick();
        assert_eq!(!cluster.afar.peer_ids().is_empty(), is_there, "{now}");
    }
}
