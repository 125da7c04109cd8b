//! The page of examples/browser in a real browser, in one room with the terminal's chat.

use crate::chromium::{Chromium, Page};
use crate::files::Files;
use crate::running::{Running, relay};

/// A page with a person in a room.
fn enter(chromium: &mut Chromium, files: &Files, relay: &str, name: &str, room: &str) -> Page {
    let address = format!("http://{}/index.html?relay=ws://{relay}/&room={room}&name={name}", files.address);
    let page = chromium.open(&address);
    chromium.evaluate(&page, "document.querySelector('#enter').click()");
    is_in(chromium, &page);
    page
}

/// Two pages in room tea, whose server runs in a terminal.
struct Room {
    _files: Files,
    _relay: Running,
    address: String,
    chromium: Chromium,
    eve: Running,
    anna: Page,
    bob: Page,
}

fn room_of_a_terminal() -> Room {
    let files = Files::serve();
    let (_relay, address) = relay();
    let mut eve = Running::start("chat", &["--relay", &address, "--name", "eve", "tea"]);
    eve.expect("you run the server of room tea");
    let mut chromium = Chromium::start();
    let anna = enter(&mut chromium, &files, &address, "anna", "tea");
    let bob = enter(&mut chromium, &files, &address, "bob", "tea");
    Room { _files: files, _relay, address, chromium, eve, anna, bob }
}

#[track_caller]
fn is_in(chromium: &mut Chromium, page: &Page) {
    chromium.wait_for(page, "document.querySelector('#status').dataset.state == 'open'");
}

fn say(chromium: &mut Chromium, page: &Page, text: &str) {
    let say = format!(
        "document.querySelector('#text').value = {text:?}; document.querySelector('#say').requestSubmit()"
    );
    chromium.evaluate(page, &say);
}

/// Waits until a page shows that somebody has said something.
#[track_caller]
fn hears(chromium: &mut Chromium, page: &Page, from: &str, text: &str) {
    let heard = format!(
        "[...document.querySelectorAll('#messages li')].some(li => \
         li.dataset.from == {from:?} && li.querySelector('.text').textContent == {text:?})"
    );
    chromium.wait_for(page, &heard);
}

/// Waits until a page shows just these people.
#[track_caller]
fn sees(chromium: &mut Chromium, page: &Page, people: &[&str]) {
    let mut sorted = people.to_vec();
    sorted.sort_unstable();
    let names = "[...document.querySelectorAll('#people li')].map(li => li.textContent.trim()).sort()";
    chromium.wait_for(page, &format!("JSON.stringify({names}) == JSON.stringify({sorted:?})"));
}

/// Everybody says something, and everybody else hears it.
#[track_caller]
fn talk(
    chromium: &mut Chromium,
    pages: [(&Page, &str); 2],
    (terminal, name): (&mut Running, &str),
    round: u32,
) {
    for ((page, from), (other, _)) in [(pages[0], pages[1]), (pages[1], pages[0])] {
        let text = format!("{from} says {round}");
        say(chromium, page, &text);
        hears(chromium, other, from, &text);
        terminal.expect(&format!("<{from}> {text}"));
    }
    let text = format!("round {round} \u{fc}ber <b>& \"all\"</b>");
    terminal.type_in(&text);
    for (page, _) in pages {
        hears(chromium, page, name, &text);
    }
}

#[test]
fn two_pages_and_a_terminal_talk_and_come_back_after_the_relay() {
    let files = Files::serve();
    let (mut relay, address) = relay();
    let mut chromium = Chromium::start();

    // a page runs the server of the room, for another page and a terminal
    let anna = enter(&mut chromium, &files, &address, "anna", "tea");
    let bob = enter(&mut chromium, &files, &address, "bob", "tea");
    let mut eve = Running::start("chat", &["--relay", &address, "--name", "eve", "tea"]);
    eve.expect("-- you are eve in room tea; anna runs the server");
    for page in [&anna, &bob] {
        sees(&mut chromium, page, &["anna", "bob", "eve"]);
    }
    talk(&mut chromium, [(&anna, "anna"), (&bob, "bob")], (&mut eve, "eve"), 0);

    for round in 1..3 {
        relay.process.kill().unwrap();
        relay.process.wait().unwrap();
        for page in [&anna, &bob] {
            chromium.wait_for(page, "document.querySelector('#status').dataset.state == 'lost'");
        }
        eve.expect("; trying to connect again");
        relay = Running::start("peote-relay", &["--listen", &address, "--log-level", "error"]);
        eve.expect("-- you are eve");
        for page in [&anna, &bob] {
            is_in(&mut chromium, page);
            sees(&mut chromium, page, &["anna", "bob", "eve"]);
        }
        talk(&mut chromium, [(&anna, "anna"), (&bob, "bob")], (&mut eve, "eve"), round);
    }

    // what is said is text, whatever it looks like
    let html = "<img src=x onerror=alert(1)><script>alert(2)</script>";
    eve.type_in(html);
    hears(&mut chromium, &anna, "eve", html);
    assert_eq!(
        chromium.evaluate(&anna, "document.querySelectorAll('#messages img, #messages script').length"),
        0
    );

    // who leaves is gone, also when it is the one that ran the server
    chromium.evaluate(&anna, "document.querySelector('#leave').click()");
    chromium.wait_for(&anna, "document.querySelector('#status').dataset.state == 'off'");
    sees(&mut chromium, &bob, &["bob", "eve"]);
    say(&mut chromium, &bob, "still here");
    eve.expect("<bob> still here");
    assert_eq!(chromium.complaints, Vec::<String>::new());
}

#[test]
fn a_terminal_runs_the_server_for_pages() {
    let Room { _files, _relay, mut chromium, mut eve, anna, bob, .. } = room_of_a_terminal();
    for page in [&anna, &bob] {
        sees(&mut chromium, page, &["anna", "bob", "eve"]);
    }
    talk(&mut chromium, [(&anna, "anna"), (&bob, "bob")], (&mut eve, "eve"), 0);
    eve.type_in("/nick evelyn");
    sees(&mut chromium, &anna, &["anna", "bob", "evelyn"]);
    assert_eq!(chromium.complaints, Vec::<String>::new());
}

/// Removed pages stop and say so; so do terminals that a page has removed.
#[test]
fn a_terminal_removes_a_page_and_a_page_a_terminal() {
    let Room { _files, _relay, address, mut chromium, mut eve, anna, bob } = room_of_a_terminal();
    say(&mut chromium, &anna, "/kick bob");
    let problem = |text: &str| format!("document.querySelector('#problem').textContent == {text:?}");
    chromium.wait_for(&anna, &problem("Only eve, who runs the server, can do that."));
    eve.type_in("/kick anna");
    eve.expect("-- anna was removed");
    chromium.wait_for(&anna, "document.querySelector('#status').dataset.state == 'off'");
    chromium.wait_for(&anna, &problem("The one who runs the server of room tea has removed you."));
    sees(&mut chromium, &bob, &["bob", "eve"]);
    hears(&mut chromium, &bob, "", "anna was removed");

    // the page runs the server now; one button for each of the others
    eve.type_in("/quit");
    chromium.wait_for(&bob, "document.querySelectorAll('#people li').length == 1");
    is_in(&mut chromium, &bob);
    let mut eve = Running::start("chat", &["--relay", &address, "--name", "eve", "tea"]);
    eve.expect("-- you are eve in room tea; bob runs the server");
    sees(&mut chromium, &bob, &["bob", "eve"]);
    chromium.wait_for(&bob, "document.querySelectorAll('#people button').length == 1");
    chromium.evaluate(&bob, "document.querySelector('#people button').click()");
    hears(&mut chromium, &bob, "", "eve was removed");
    sees(&mut chromium, &bob, &["bob"]);
    let ended = eve.end();
    assert_eq!(ended.code, Some(4), "{}", ended.errors);
    assert!(ended.errors.contains("the one who runs the server of room tea has removed you"));
    assert_eq!(chromium.complaints, Vec::<String>::new());
}

#[test]
fn a_page_says_what_is_wrong() {
    let files = Files::serve();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let mut chromium = Chromium::start();
    let page = chromium
        .open(&format!("http://{}/index.html?relay=ws://{address}/&room=tea&name=anna", files.address));
    chromium.evaluate(&page, "document.querySelector('#enter').click()");
    chromium.wait_for(&page, "document.querySelector('#problem').textContent.trim() != ''");
    assert_eq!(chromium.complaints, Vec::<String>::new());
}

/// What a person would find ugly, at several widths: a time over two lines, a hint that is cut, a
/// page that is wider than the window, a name that takes the place of the room.
#[test]
fn a_page_looks_right() {
    let files = Files::serve();
    let (_relay, address) = relay();
    let mut chromium = Chromium::start();
    let long = "Wilhelmina-Constantinopl";
    let anna = enter(&mut chromium, &files, &address, "anna", "tea");
    let other = enter(&mut chromium, &files, &address, long, "tea");
    sees(&mut chromium, &anna, &["anna", long]);
    for text in [
        "https://relay.example/".to_owned() + &"x".repeat(200),
        "w ".repeat(300),
        "\u{5e9}\u{5dc} abc".into(),
    ] {
        say(&mut chromium, &other, &text);
        hears(&mut chromium, &anna, long, text.trim());
    }
    say(&mut chromium, &anna, "/help");
    let ugly = "(() => {
        const all = (what) => [...document.querySelectorAll(what)];
        const box = (element) => element.getBoundingClientRect();
        const wrong = all('#messages time').filter((time) => time.getClientRects().length != 1).map((time) => `time ${time.textContent}`);
        const field = document.querySelector('#text');
        const style = getComputedStyle(field);
        const canvas = document.createElement('canvas').getContext('2d');
        canvas.font = style.font;
        const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
        if (canvas.measureText(field.placeholder).width > room) wrong.push('placeholder');
        if (document.documentElement.scrollWidth > innerWidth) wrong.push('wider than the window');
        if (document.documentElement.scrollHeight > innerHeight) wrong.push('higher than the window');
        if (box(document.querySelector('#log')).height < innerHeight / 3) wrong.push('no room for messages');
        for (const button of all('#people button')) {
            if (box(button).height > 32) wrong.push('button');
            if (box(button).right > innerWidth) wrong.push('button outside');
        }
        if (document.querySelector('#problem').textContent) wrong.push('problem');
        return wrong;
    })()";
    for (width, height) in [(1280, 800), (768, 1024), (600, 600), (390, 700), (320, 568)] {
        for page in [&anna, &other] {
            chromium.resize(page, width, height);
            assert_eq!(chromium.evaluate(page, ugly), serde_json::json!([]), "{width} x {height}");
        }
    }
    // /help is an answer, what is not known is a problem
    hears(&mut chromium, &anna, "", "/who tells who is here");
    say(&mut chromium, &anna, "/dance");
    let problem =
        "document.querySelector('#problem').textContent == '/dance is not known; /help tells what there is.'";
    chromium.wait_for(&anna, problem);
    // a name that looks the same is refused by the page, too
    say(&mut chromium, &other, "/nick ann\u{430}");
    hears(&mut chromium, &other, "", "ann\u{430} is taken");
    assert_eq!(chromium.complaints, Vec::<String>::new());
}

/// The page's address leads to the room that one is in, and its title says which one that is.
#[test]
fn the_address_of_a_page_follows_the_room() {
    let files = Files::serve();
    let (_relay, address) = relay();
    let mut chromium = Chromium::start();
    let page = chromium.open(&format!("http://{}/index.html", files.address));
    let fields = [
        ("relay", format!("ws://{address}/")),
        ("room", "tea & milk".to_owned()),
        ("name", "anna".to_owned()),
    ];
    for (id, value) in &fields {
        chromium.evaluate(&page, &format!("document.querySelector('#{id}').value = {value:?}"));
    }
    chromium.evaluate(&page, "document.querySelector('#enter').click()");
    is_in(&mut chromium, &page);
    let query = |name: &str| format!("new URLSearchParams(location.search).get('{name}')");
    assert_eq!(chromium.evaluate(&page, &query("room")), "tea & milk");
    assert_eq!(chromium.evaluate(&page, &query("relay")), format!("ws://{address}/"));
    assert_eq!(chromium.evaluate(&page, &query("name")), serde_json::Value::Null);
    assert_eq!(chromium.evaluate(&page, "document.title"), "tea & milk \u{2013} Chat");
    // it leads there
    let there = chromium.evaluate(&page, "location.href").as_str().unwrap().to_owned();
    let other = chromium.open(&there);
    chromium.evaluate(
        &other,
        "document.querySelector('#name').value = 'bob'; document.querySelector('#enter').click()",
    );
    is_in(&mut chromium, &other);
    sees(&mut chromium, &page, &["anna", "bob"]);
    // into another room
    chromium.evaluate(
        &page,
        "document.querySelector('#leave').click(); document.querySelector('#room').value = 'coffee'",
    );
    chromium.evaluate(&page, "document.querySelector('#enter').click()");
    is_in(&mut chromium, &page);
    assert_eq!(chromium.evaluate(&page, &query("room")), "coffee");
    assert_eq!(chromium.complaints, Vec::<String>::new());
}
