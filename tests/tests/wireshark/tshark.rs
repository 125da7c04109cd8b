//! Runs tshark.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use peote_net::chunk::ChunkLimit;

use crate::capture::Capture;
use crate::shown::{Shown, parse};

/// The dissector's setting of that name.
#[derive(Clone, Copy)]
pub(crate) enum Payload {
    Chunks,
    Calls,
    Data,
}

/// What tshark shows of a capture with the dissector.
pub(crate) fn dissect(
    capture: &Capture,
    limit: ChunkLimit,
    payload: Payload,
    options: &[&str],
) -> Vec<Shown> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let file = std::env::temp_dir().join(format!("peote-{}-{count}.pcap", std::process::id()));
    std::fs::write(&file, capture.file()).unwrap();
    let payload = match payload {
        Payload::Chunks => "Chunks",
        Payload::Data => "Data",
        Payload::Calls => "Chunks with remote procedure calls",
    };
    let ran = Command::new(tshark(&root))
        .arg("-r")
        .arg(&file)
        .arg("-X")
        .arg(format!("lua_script:{}", root.join("tools/wireshark/peote.lua").display()))
        .arg(format!("-opeote.chunk_max:{}", limit.max()))
        .arg(format!("-opeote.payload:{payload}"))
        .args(["-T", "pdml"])
        .args(options)
        // no settings of the person who runs this
        .env("WIRESHARK_CONFIG_DIR", std::env::temp_dir().join("peote-no-wireshark-settings"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    std::fs::remove_file(&file).unwrap();
    let (output, errors) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{errors}");
    assert!(!errors.contains("Lua"), "{errors}");
    parse(&output)
}

/// As `scripts/wireshark` finds it, or installs it where it may.
fn tshark(root: &Path) -> PathBuf {
    let ran = Command::new(root.join("scripts/wireshark")).stdin(Stdio::null()).output().unwrap();
    let output = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{output}{}", String::from_utf8_lossy(&ran.stderr));
    output.lines().last().expect("scripts/wireshark says where tshark is").into()
}
