//! Calls with answers between the module and a Rust program, both ways, through one relay.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use peote_net::link::{Flow, Mode, SendError};
use peote_net::rpc::{CallId, Calls, Error, Heard, Ticket, remote};
use peote_net::value::{Decode, Encode, List, Map};
use peote_net_std::DesktopLink;

use crate::running::{program, relay};
use crate::tools;

/// Where something is.
#[derive(Clone, Copy, Encode, Decode)]
struct Point {
    x: i16,
    y: i16,
}

/// What is there.
#[derive(Clone, Copy, Encode, Decode)]
#[repr(u8)]
enum Piece {
    Pawn,
    Tower { height: u8 } = 7,
    Named(u16, bool),
}

#[remote]
trait Store {
    fn note(&mut self, text: &str);
    fn count(&mut self, article: u16) -> u32;
    fn buy(&mut self, article: u16, pieces: u32) -> Result<u32, &str>;
    fn look_up(&mut self, what: Map<'_, &str, i32>) -> Option<List<'_, (u8, &str)>>;
    fn later(&mut self, ticket: Ticket<f64>, number: u64);
    fn never(&mut self, ticket: Ticket<()>);
    fn place(&mut self, at: Point, pieces: List<'_, Piece>) -> Piece;
}

/// Means something else than the module.
#[remote(version = "1.5")]
trait Other {
    fn note(&mut self, text: &str);
}

#[remote]
trait Screen {
    fn size(&mut self, text: &str) -> u8;
}

#[derive(Default)]
struct Shop {
    notes: Vec<String>,
    found: Vec<(u8, &'static str)>,
    tickets: Vec<(Ticket<f64>, u64)>,
    never: Vec<Ticket<()>>,
}

impl Store for Shop {
    fn note(&mut self, text: &str) {
        self.notes.push(text.into());
    }
    fn count(&mut self, article: u16) -> u32 {
        u32::from(article) + 1
    }
    fn buy(&mut self, _: u16, pieces: u32) -> Result<u32, &'static str> {
        if pieces > 9 { Err("sold out") } else { Ok(pieces) }
    }
    fn look_up(&mut self, what: Map<'_, &str, i32>) -> Option<List<'_, (u8, &str)>> {
        self.found =
            what.iter().map(|(key, n)| (n.to_le_bytes()[0], if key == "a" { "a" } else { "b" })).collect();
        if self.found.is_empty() { None } else { Some(List::from(self.found.as_slice())) }
    }
    fn later(&mut self, ticket: Ticket<f64>, number: u64) {
        self.tickets.push((ticket, number));
    }
    fn never(&mut self, ticket: Ticket<()>) {
        self.never.push(ticket);
    }
    fn place(&mut self, at: Point, pieces: List<'_, Piece>) -> Piece {
        let number = |piece| match piece {
            Piece::Pawn => 1,
            Piece::Tower { height } => u16::from(height),
            Piece::Named(number, _) => number,
        };
        let sum = pieces.iter().map(number).sum::<u16>();
        Piece::Named(sum, (at.x, at.y) == (1, -2))
    }
}

#[test]
fn a_rust_program_and_the_module_call_each_other() {
    let (_relay, address) = relay();
    let interface = interface();
    let mut link = DesktopLink::connect(&address).unwrap();
    link.create("mixed", Mode::RPC).unwrap();
    let mut calls = Calls::<4, 2, 4>::new(
        &[(0, StoreCaller::INTERFACE), (1, OtherCaller::INTERFACE)],
        &[(3, ScreenCaller::INTERFACE)],
    );
    let (mut shop, mut node) = (Shop::default(), None);
    let (mut size, mut answered, mut cancelled): (Option<CallId<u8>>, _, _) = (None, None, false);
    let end = Instant::now() + Duration::from_secs(60);
    while !shop.notes.iter().any(|note| note == "done") {
        assert!(Instant::now() < end, "{:?}", shop.notes);
        let soon = link.now() + peote_net::time::Duration::from_millis(20);
        link.wait_for(&mut [], Some(soon)).unwrap();
        let mut is_open = false;
        link.poll(|event, out| {
            match calls.handle(event, out)? {
                Heard::Call(call) if call.object() == 0 => {
                    return shop.dispatch(&call, out).or_else(Error::pass_over);
                }
                Heard::Offer(remote) => {
                    size = Some(ScreenCaller::new(remote).size(out, &mut calls, "how long?")?);
                }
                Heard::Answer(answer) => answered = size.and_then(|size| answer.to(size)),
                Heard::Cancelled(call) => cancelled |= shop.never.iter().any(|ticket| call.is(*ticket)),
                Heard::Other(event) => {
                    is_open |= matches!(event, peote_net::link::Event::Opened { .. });
                    event.ok()?;
                }
                Heard::Nothing => {}
                other => panic!("{other:?}"),
            }
            Ok::<_, SendError>(Flow::Continue)
        })
        .unwrap();
        #[expect(clippy::cast_precision_loss, reason = "a power of two")]
        shop.tickets
            .retain(|(ticket, number)| ticket.answer(&mut link.out(), &(*number as f64 + 0.5)).is_err());
        if is_open {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/peer.mjs");
            let mut command = Command::new(tools::node());
            command.arg(script).env("PEOTE_RELAY", &address).env("PEOTE_INTERFACE", &interface);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            node = Some(command.spawn().unwrap());
        }
        if let Some(node) = &mut node
            && let Some(status) = node.try_wait().unwrap()
        {
            assert!(status.success(), "{}", errors_of(node));
        }
    }
    let output = node.unwrap().wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((answered, cancelled), (Some(Ok(9)), true));
    assert_eq!(shop.notes, ["grüße", "done"]);
    let _ = std::fs::remove_file(interface);
}

/// Writes what the other end has of the traits above, and returns where it is.
fn interface() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let written =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("interface-{}.mjs", std::process::id()));
    let module = format!("{}/", folder.join("../examples/browser").canonicalize().unwrap().display());
    let ran = Command::new(program("peote-interface"))
        .arg(folder.join("tests/browser/calls.rs"))
        .arg("--output")
        .arg(&written)
        .args(["--from", &module])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    written
}

fn errors_of(node: &mut std::process::Child) -> String {
    let mut text = String::new();
    let errors = node.stderr.as_mut().expect("piped");
    let _ = std::io::Read::read_to_string(errors, &mut text);
    text
}
