//! A board in QEMU, whose UART leads to a pseudo terminal through wires with noise.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use embedded_io::{Read as _, ReadReady as _, Write as _};

use super::board::Wire;
use super::{Folder, Noise, Pty, wait};

pub(crate) struct Machine {
    process: Child,
    /// What the board has sent.
    sent: Arc<Mutex<Vec<u8>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _folder: Folder,
}

impl Machine {
    pub(crate) fn start(line: &Pty, noise: Noise, argument: &str) -> Self {
        let folder = Folder::new();
        let socket = folder.path("uart");
        let listener = UnixListener::bind(&socket).unwrap();
        // ended after some minutes even if the test has been killed
        let process = Command::new("timeout")
            .args(["--kill-after=5", "300", "qemu-system-arm", "-machine", "lm3s6965evb"])
            .args(["-display", "none", "-monitor", "none", "-net", "none", "-chardev"])
            .arg(format!("socket,id=uart,path={}", socket.display()))
            .args(["-serial", "chardev:uart", "-semihosting-config"])
            .arg(format!("enable=on,target=native,arg=firmware,arg={argument}"))
            .arg("-kernel")
            .arg(image())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("timeout and qemu-system-arm: {error}"));
        let (uart, _) = listener.accept().unwrap();
        uart.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let mut wire = Wire::new(line, noise, 7);
        let (sent, stop) = (Arc::<Mutex<Vec<u8>>>::default(), Arc::<AtomicBool>::default());
        let (seen, stopped) = (Arc::clone(&sent), Arc::clone(&stop));
        let thread =
            std::thread::spawn(
                move || {
                    while !stopped.load(Ordering::Relaxed) && pump(&uart, &mut wire, &seen) {}
                },
            );
        Self { process, sent, stop, thread: Some(thread), _folder: folder }
    }

    /// Waits until the firmware has ended.
    #[track_caller]
    pub(crate) fn exit_code(mut self) -> Option<i32> {
        let mut code = None;
        wait("the firmware ends", || {
            code = self.process.try_wait().unwrap();
            code.is_some()
        });
        code.unwrap().code()
    }

    /// Waits until the board has sent these bytes.
    #[track_caller]
    pub(crate) fn wait_for_bytes(&self, bytes: &[u8]) {
        wait("the board's bytes", || {
            self.sent.lock().unwrap().windows(bytes.len()).any(|sent| sent == bytes)
        });
    }
}

/// Moves what there is. Returns false when QEMU has ended.
fn pump(mut uart: &UnixStream, wire: &mut Wire, seen: &Mutex<Vec<u8>>) -> bool {
    let mut buffer = [0; 256];
    match uart.read(&mut buffer) {
        Ok(0) => return false,
        Ok(count) => {
            seen.lock().unwrap().extend(&buffer[..count]);
            wire.write_all(&buffer[..count]).unwrap();
        }
        Err(_) => {}
    }
    while wire.read_ready().unwrap() {
        let count = wire.read(&mut buffer).unwrap();
        if uart.write_all(&buffer[..count]).is_err() {
            return false;
        }
    }
    true
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if matches!(self.process.try_wait(), Ok(None)) {
            // `timeout` passes this on to QEMU, which it could not do with a kill
            let pid = rustix::process::Pid::from_child(&self.process);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("the board has sent {:02x?}", self.sent.lock().unwrap());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn image() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let image = FOLDER.get_or_init(folder).join("lm3s6965evb-serial");
    assert!(image.exists(), "{} is missing; scripts/firmware builds it", image.display());
    image
}

fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("PEOTE_FIRMWARE") {
        return folder.into();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/firmware");
    let mut command = Command::new(&script);
    // what cargo sets for this test is not meant for another workspace
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG") || text.starts_with("CARGO_MANIFEST") || text == "RUSTFLAGS" {
            command.env_remove(name);
        }
    }
    let built = command.stdin(Stdio::null()).stderr(Stdio::piped()).output();
    let built = built.unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    let errors = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{} failed:\n{errors}", script.display());
    let output = String::from_utf8_lossy(&built.stdout);
    output.lines().last().expect("scripts/firmware says where the images are").into()
}
