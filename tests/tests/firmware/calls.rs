//! A page, a program on the desktop and a board call each other through one relay, each of the
//! three both others.
//!
//! The page's side is `calls.mjs`, in Node.js, with what `peote-interface` writes of the traits
//! here and of the board's.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use peote_net::chunk::ChunkLimit;
use peote_net::link::{Channel, Event, Flow, Mode, SendError};
use peote_net::rpc::{CallId, Calls, Error, Heard, remote};
use peote_net_std::DesktopLink;

use crate::PATIENCE;
use crate::image::Board;
use crate::lamp::{LAMP, LampCaller, PANEL, Panel, PanelCaller};
use crate::machine::{Machine, Network};
use crate::relay_thread::RelayThread;
use crate::tools;

/// The number of the desk among the program's objects.
const DESK: u8 = 1;

/// What the program has.
#[remote]
trait Desk {
    fn add(&mut self, a: u32, b: u32) -> u32;
    fn note(&mut self, text: &str);
}

/// How often the button of the program's panel was pressed.
const PRESSED: u32 = 1000;

#[derive(Default)]
struct Program {
    notes: Vec<String>,
    shown: Vec<u8>,
}

impl Desk for Program {
    fn add(&mut self, a: u32, b: u32) -> u32 {
        a + b
    }
    fn note(&mut self, text: &str) {
        self.notes.push(text.into());
    }
}

impl Panel for Program {
    fn show(&mut self, level: u8) -> u32 {
        self.shown.push(level);
        PRESSED
    }
}

/// The other end in Node.js. Ended when dropped.
struct Page {
    process: Child,
    interfaces: [PathBuf; 2],
}

impl Page {
    fn start(address: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let interfaces = [
            written("lamp", &folder.join("../examples/firmware/roles/src/lamp.rs")),
            written("desk", &folder.join("tests/firmware/calls.rs")),
        ];
        let process = Command::new(tools::node())
            .arg(folder.join("tests/firmware/calls.mjs"))
            .env("PEOTE_RELAY", address)
            .env("PEOTE_LAMP", &interfaces[0])
            .env("PEOTE_DESK", &interfaces[1])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, interfaces }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        for file in &self.interfaces {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Writes the JavaScript of the traits in a file, and returns where it is.
fn written(name: &str, source: &Path) -> PathBuf {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/browser").canonicalize().unwrap();
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.mjs", std::process::id()));
    let ran = Command::new(crate::running::program("peote-interface"))
        .arg(source)
        .arg("--output")
        .arg(&output)
        .args(["--from", &format!("{}/", module.display())])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    output
}

/// What the program has asked, and what it was told.
#[derive(Default)]
struct Asked {
    average: Option<CallId<Option<u8>>>,
    averaged: Option<Option<u8>>,
    pressed: Option<CallId<u32>>,
    was_pressed: Option<u32>,
}

#[test]
fn a_page_a_program_and_a_board_call_each_other() {
    let relay = RelayThread::start();
    let address = relay.address().to_string();
    let board = Board::Lm3s6965evb;
    let mut machine = Machine::start(board, &Network::User, &["lamp", &relay.argument(), "channel=lamp"]);
    machine.wait_for("channel lamp is open");

    let mut link = DesktopLink::connect(&address).unwrap();
    let limit = ChunkLimit::new(u32::try_from(board.chunk()).unwrap()).among(32_768);
    link.enter("lamp", Mode::Rpc(limit)).unwrap();
    let desk = link.create("desk", Mode::RPC).unwrap();
    let mut calls = Calls::<8, 4, 4>::new(
        &[(DESK, DeskCaller::INTERFACE), (PANEL, PanelCaller::INTERFACE)],
        &[(LAMP, LampCaller::INTERFACE), (PANEL, PanelCaller::INTERFACE)],
    );
    let (mut program, mut asked, mut page) = (Program::default(), Asked::default(), None);
    let end = Instant::now() + PATIENCE;
    while !program.notes.iter().any(|note| note == "done")
        || asked.was_pressed.is_none()
        || asked.averaged.is_none()
    {
        assert!(Instant::now() < end, "{:?}\n{}", program.notes, machine.log());
        let soon = link.now() + peote_net::time::Duration::from_millis(20);
        link.wait_for(&mut [], Some(soon)).unwrap();
        link.poll(|event, out| {
            match calls.handle(event, out)? {
                Heard::Call(call) if call.object() == DESK => {
                    return Desk::dispatch(&mut program, &call, out).or_else(Error::pass_over);
                }
                Heard::Call(call) if call.object() == PANEL => {
                    return Panel::dispatch(&mut program, &call, out).or_else(Error::pass_over);
                }
                Heard::Offer(remote) if remote.object() == LAMP => {
                    let lamp = LampCaller::new(remote);
                    lamp.set(out, 10)?;
                    asked.average = Some(lamp.average(out, &mut calls, (&[20, 30, 40]).into())?);
                }
                // the page's, for the board offers none
                Heard::Offer(remote) if remote.object() == PANEL => {
                    asked.pressed = Some(PanelCaller::new(remote).show(out, &mut calls, 77)?);
                }
                Heard::Answer(answer) => {
                    let average = asked.average.and_then(|call| answer.to(call));
                    let pressed = asked.pressed.and_then(|call| answer.to(call));
                    asked.averaged = asked.averaged.or(average.map(Result::unwrap));
                    asked.was_pressed = asked.was_pressed.or(pressed.map(Result::unwrap));
                }
                Heard::Other(event) => {
                    if event == (Event::Opened { channel: Channel::Own(desk) }) {
                        page = Some(Page::start(&address));
                    }
                    event.ok()?;
                }
                Heard::Nothing => {}
                other => panic!("{other:?}"),
            }
            Ok::<_, SendError>(Flow::Continue)
        })
        .unwrap();
        if let Some(page) = &mut page
            && let Some(status) = page.process.try_wait().unwrap()
        {
            assert!(status.success(), "the page has failed");
        }
    }
    assert_eq!((asked.averaged, asked.was_pressed), (Some(Some(30)), Some(2000)));
    assert!(page.expect("it was started").process.wait().unwrap().success());
    // the board has called both, in whatever order
    let log = [machine.wait_for("a panel was pressed"), machine.wait_for("a panel was pressed")].concat();
    assert!(log.contains("pressed 1000 times") && log.contains("pressed 2000 times"), "{log}");
    assert_eq!(program.shown.len(), 2, "by the board and by the page");
}
