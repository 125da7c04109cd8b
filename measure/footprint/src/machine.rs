//! The board in QEMU.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Result;
use crate::peers::{PATIENCE, Peer, Waiting};

/// The image without smoltcp. It comes first in the tables.
pub(crate) const SERIAL: &str = "serial";

/// What an image has reported.
#[derive(Debug)]
pub(crate) struct Report(BTreeMap<String, u64>);

impl Report {
    /// A figure by its name.
    pub(crate) fn figure(&self, name: &str) -> Result<u64> {
        self.0
            .get(name)
            .copied()
            .ok_or_else(|| format!("the image has not reported its figure {name}: {:?}", self.0))
    }

    /// A number of instructions by its name.
    fn counted(&self, name: &str) -> Result<f64> {
        self.figure(name).map(|ticks| ticks as f64 * TICK)
    }
}

/// Who an image talks to.
pub(crate) fn peer(image: &str) -> Peer {
    match image {
        "smoltcp" => Peer::Echo,
        "minimq" => Peer::Broker,
        "client" | "client-flow" | "returning" | SERIAL => Peer::Server,
        "client-server" => Peer::ServerAndUsers,
        _ => Peer::Callers,
    }
}

/// QEMU's version.
pub(crate) fn version() -> Result<String> {
    let output = Command::new("qemu-system-arm").arg("--version").output();
    let output = output.map_err(|error| format!("qemu-system-arm: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let word = text.split_whitespace().skip_while(|word| *word != "version").nth(1);
    word.map(str::to_owned).ok_or_else(|| format!("qemu-system-arm --version: {text}"))
}

/// Has an image do its job with its peer.
pub(crate) fn job(image: &Path, peer: Peer) -> Result<Report> {
    let waiting =
        Waiting::start(peer).map_err(|error| format!("the peer of {}: {error}", image.display()))?;
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    // a path in a command in an option: quoted for the one, commas doubled for the other
    let pipe = format!("'{}' pipe {}", this.display(), waiting.address).replace(',', ",,");
    let network = format!("user,id=network,restrict=on,guestfwd=tcp:10.0.2.100:7680-cmd:{pipe}");
    let line = format!("socket,id=line,host={},port={}", waiting.address.ip(), waiting.address.port());
    let peer = std::thread::spawn(move || waiting.run());
    let report = if image.ends_with(SERIAL) {
        run(image, &["-net", "none", "-chardev", &line, "-serial", "chardev:line"])
    } else {
        let nic = "nic,model=stellaris,netdev=network";
        run(image, &["-serial", "none", "-netdev", &network, "-net", nic])
    };
    let peer = peer.join().unwrap_or_else(|_| Err("its thread has panicked".into()));
    match (report, peer) {
        (report, Ok(())) => report,
        (Ok(_), Err(error)) => Err(format!("the peer of {}: {error}", image.display())),
        (Err(report), Err(error)) => Err(format!("{report}; its peer: {error}")),
    }
}

/// Has the images count instructions that `folder` has for it.
pub(crate) fn instructions(folder: &Path) -> Result<Instructions> {
    let counted =
        |image| run(&folder.join(image), &["-serial", "none", "-net", "none", "-icount", "shift=0"]);
    Instructions::of(&counted("instructions")?, &counted("longest")?)
}

/// Nanoseconds of a tick of the board's timer, at 12.5 MHz; with `-icount shift=0` an instruction
/// takes one.
const TICK: f64 = 80.0;
/// Instructions of the loop that shows whether that is so.
const KNOWN: f64 = 800_000.0;

/// Instructions for each chunk of 64 bytes.
#[derive(Debug)]
pub(crate) struct Instructions {
    pub(crate) idle: f64,
    pub(crate) received_alone: f64,
    pub(crate) received_together: f64,
    pub(crate) sent_alone: f64,
    pub(crate) sent_together: f64,
    /// One poll each, by what comes.
    pub(crate) longest: Vec<(&'static str, f64)>,
}

/// What fills the receive scratch for the longest poll: its figure, and what the table calls it.
const LONGEST: [(&str, &str); 9] = [
    ("empty", "256 empty units of a channel that is not there"),
    ("entered", "85 users enter, for 64 of whom there is a slot"),
    ("strangers", "170 units of 1 byte of a user that is not there"),
    ("data", "128 times 1 byte of raw data"),
    ("chunks", "102 chunks of 1 byte"),
    ("gone", "73 notices that a user is gone"),
    ("nonsense", "256 empty answers"),
    ("keepalives", "85 keepalives"),
    ("lost", "the connection is lost"),
];

impl Instructions {
    fn of(report: &Report, longest: &Report) -> Result<Self> {
        for report in [report, longest] {
            let known = report.counted("known")?;
            if (known / KNOWN - 1.0).abs() > 0.001 {
                return Err(format!("QEMU does not count instructions: {known} of {KNOWN}"));
            }
        }
        let counted = |name| report.counted(name);
        let one_poll = |(name, what)| longest.counted(name).map(|count| (what, count));
        Ok(Self {
            longest: LONGEST.into_iter().map(one_poll).collect::<Result<_>>()?,
            idle: counted("idle")? / 1000.0,
            received_alone: counted("received-1")? / 1000.0,
            received_together: counted("received-7")? / 7000.0,
            sent_alone: counted("sent-1")? / 1000.0,
            sent_together: counted("sent-7")? / 7000.0,
        })
    }
}

fn run(image: &Path, options: &[&str]) -> Result<Report> {
    let output = Command::new("timeout")
        .args(["--kill-after=5", &(PATIENCE.as_secs() + 30).to_string()])
        .args(["qemu-system-arm", "-machine", "lm3s6965evb", "-display", "none", "-monitor", "none"])
        .args(["-semihosting-config", "enable=on,target=native"])
        .args(options)
        .arg("-kernel")
        .arg(image)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("timeout and qemu-system-arm: {error}"))?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        let how = if output.status.code() == Some(124) { "has not ended" } else { "has failed" };
        return Err(format!("{} {how} ({}): {}", image.display(), output.status, said.trim()));
    }
    let figure = |line: &str| {
        let (name, value) = line.split_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    Ok(Report(said.lines().filter_map(figure).collect()))
}
