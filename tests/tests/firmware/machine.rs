//! A board in QEMU, and its log.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use defmt_decoder::{DecodeError, Table};

use crate::PATIENCE;
use crate::image::Board;

/// A QEMU that nobody ended is ended after so many seconds.
const LIFETIME: &str = "300";

/// What the log says where it cannot be decoded.
const MALFORMED: &str = "MALFORMED LOG FRAME";

/// What a board's network controller is connected to.
pub(crate) enum Network {
    /// QEMU's own network: this machine is 10.0.2.2, and gives addresses by DHCP.
    User,
    /// The same, and port 7680 of the board can be reached from this machine; see
    /// [`Machine::forwarded`].
    UserWithPort,
    /// Ethernet frames to and from two sockets, as QEMU's options have them, and the hardware
    /// address.
    Cable { netdev: String, hardware_address: String },
}

/// A folder for sockets, removed when dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("peote-firmware-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The log so far.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
    /// How many of its two sources have ended: the firmware's log, and what it and QEMU say on the
    /// error output.
    ended: usize,
}

impl Log {
    fn has_ended(&self) -> bool {
        self.ended == 2
    }
}

/// A board in QEMU. Ended when dropped.
pub(crate) struct Machine {
    board: Board,
    process: Child,
    log: Arc<(Mutex<Log>, Condvar)>,
    /// Lines of the log that were waited for already.
    read: usize,
    threads: Vec<JoinHandle<()>>,
    folder: Folder,
}

impl Machine {
    /// Starts the board's image with a command line.
    pub(crate) fn start(board: Board, network: &Network, arguments: &[&str]) -> Self {
        let folder = Folder::new();
        let (netdev, address) = match network {
            Network::User => ("user,id=network".into(), String::new()),
            Network::UserWithPort => {
                ("user,id=network,hostfwd=tcp:127.0.0.1:0-10.0.2.15:7680".into(), String::new())
            }
            Network::Cable { netdev, hardware_address } => {
                (netdev.clone(), format!(",macaddr={hardware_address}"))
            }
        };
        let semihosting =
            arguments.iter().fold("enable=on,target=native,arg=firmware".to_owned(), |options, argument| {
                options + ",arg=" + &argument.replace(',', ",,")
            });
        let mut process = Command::new("timeout")
            .args(["--kill-after=5", LIFETIME, "qemu-system-arm", "-machine", board.machine()])
            .args(["-display", "none", "-serial", "none", "-monitor"])
            .arg(format!("unix:{},server,nowait", folder.0.join("monitor").display()))
            .args(["-netdev", &netdev, "-net"])
            .arg(format!("nic,model={},netdev=network{address}", board.controller()))
            .args(["-semihosting-config", &semihosting, "-kernel"])
            .arg(board.image())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("timeout and qemu-system-arm: {error}"));
        let log = Arc::<(Mutex<Log>, Condvar)>::default();
        let (mut output, errors) = (process.stdout.take().unwrap(), process.stderr.take().unwrap());
        let image = std::fs::read(board.image()).unwrap();
        let decoded = Arc::clone(&log);
        let said = Arc::clone(&log);
        let threads = vec![
            std::thread::spawn(move || {
                let table = Table::parse(&image).unwrap().expect("the image has defmt's table");
                let mut decoder = table.new_stream_decoder();
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = output.read(&mut buffer) {
                    decoder.received(&buffer[..count]);
                    loop {
                        match decoder.decode() {
                            Ok(frame) => {
                                let level = frame.level().map_or("", |level| level.as_str());
                                let time = frame.display_timestamp().map(|time| time.to_string());
                                let line = format!("{level} {}", frame.display_message());
                                push(&decoded, format!("{} {line}", time.unwrap_or_default()));
                            }
                            Err(DecodeError::UnexpectedEof) => break,
                            Err(DecodeError::Malformed) => push(&decoded, MALFORMED.into()),
                        }
                    }
                }
                end(&decoded);
            }),
            // a panic's message, and what QEMU says
            std::thread::spawn(move || {
                for line in BufReader::new(errors).lines().map_while(Result::ok) {
                    push(&said, format!("STDERR {line}"));
                }
                end(&said);
            }),
        ];
        Self { board, process, log, read: 0, threads, folder }
    }

    /// Waits for the next line of the log with `text` in it.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let log = Arc::clone(&self.log);
        let (log, changed) = &*log;
        let mut log = locked(log);
        loop {
            while let Some(line) = log.lines.get(self.read) {
                self.read += 1;
                assert!(!line.contains(MALFORMED), "{}", log.lines.join("\n"));
                if line.contains(text) {
                    return line.clone();
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let name = self.board.name();
            assert!(
                !left.is_zero() && !log.has_ended(),
                "{name} does not say \"{text}\" but:\n{}",
                log.lines.join("\n")
            );
            log = changed.wait_timeout(log, left).unwrap().0;
        }
    }

    /// The whole log so far, each line with time and level.
    pub(crate) fn log(&self) -> String {
        locked(&self.log.0).lines.join("\n")
    }

    /// Waits until the firmware has ended, and returns its exit code.
    #[track_caller]
    pub(crate) fn exit_code(&mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        let log = Arc::clone(&self.log);
        let (log, changed) = &*log;
        let mut log = locked(log);
        while !log.has_ended() {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} does not end:\n{}", self.board.name(), log.lines.join("\n"));
            log = changed.wait_timeout(log, left).unwrap().0;
        }
        drop(log);
        self.process.wait().ok().and_then(|status: ExitStatus| status.code()).expect("it was not killed")
    }

    /// The address on this machine that leads to the board's port 7680.
    pub(crate) fn forwarded(&self) -> SocketAddr {
        let deadline = Instant::now() + PATIENCE;
        let path = self.folder.0.join("monitor");
        let mut monitor = loop {
            match UnixStream::connect(&path) {
                Ok(monitor) => break monitor,
                Err(error) => assert!(Instant::now() < deadline, "QEMU's monitor: {error}"),
            }
            std::thread::yield_now();
        };
        monitor.set_read_timeout(Some(PATIENCE)).unwrap();
        monitor.write_all(b"info usernet\n").unwrap();
        for line in BufReader::new(monitor).lines() {
            let line = line.expect("QEMU answers");
            let mut words = line.split_whitespace().skip_while(|word| !word.contains("HOST_FORWARD"));
            if let Some(port) = words.nth(3) {
                return format!("127.0.0.1:{port}").parse().expect("a port");
            }
        }
        panic!("QEMU has not said which port it forwards");
    }
}

/// The log, also after a test has failed while it looked at it.
fn locked(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

fn end(log: &(Mutex<Log>, Condvar)) {
    locked(&log.0).ended += 1;
    log.1.notify_all();
}

fn push(log: &(Mutex<Log>, Condvar), line: String) {
    locked(&log.0).lines.push(line);
    log.1.notify_all();
}

impl Drop for Machine {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            // `timeout` passes this on to QEMU, which it could not do with a kill
            let pid = rustix::process::Pid::from_child(&self.process);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.process.wait();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        if std::thread::panicking() {
            eprintln!("log of {}:\n{}", self.board.name(), self.log());
        }
    }
}
