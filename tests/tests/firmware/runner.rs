//! What `cargo run` calls in the firmware's folder.

use std::path::Path;
use std::process::{Command, Stdio};

use peote_net::link::Destination;

use crate::image::Board;
use crate::peer::{Peer, Seen};
use crate::relay_thread::RelayThread;

/// Runs it with an image and arguments; returns its exit code and what it has to say.
fn run(board: Board, arguments: &[&str]) -> (Option<i32>, String) {
    let runner = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/firmware/qemu");
    let output = Command::new("timeout")
        .args(["--kill-after=5", "60"])
        .arg(runner)
        .arg(board.image())
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn it_starts_each_board_and_passes_arguments_and_exit_code_on() {
    for board in [Board::Lm3s6965evb, Board::Mps2An385] {
        let relay = RelayThread::start();
        // a comma, which means something to QEMU
        let (mut server, channel) = Peer::server(relay.address(), "echo,1", board.chunk());
        let argument = relay.argument();
        let firmware =
            std::thread::spawn(move || run(board, &["client", &argument, "channel=echo,1", "exercise=3"]));
        let Seen::In(user) = server.next() else { panic!("the firmware has not come") };
        for _ in 0..3 {
            let (_, bytes) = server.next_chunk();
            server.send(Destination::User(channel, user), &bytes);
        }
        let (code, errors) = firmware.join().unwrap();
        assert_eq!(code, Some(0), "{errors}");
    }
    let (code, errors) = run(Board::Lm3s6965evb, &["exercise=many"]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("exercise=\"many\" is not a number of chunks"), "{errors}");
}
