//! The smallest web server that serves a folder, on a thread.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// The server. Ended when dropped.
pub(crate) struct Files {
    pub(crate) address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Files {
    /// Serves the folder of the JavaScript module and its page.
    pub(crate) fn serve() -> Self {
        Self::of(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/browser"))
    }

    /// Serves `folder`.
    pub(crate) fn of(folder: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let is_over = Arc::clone(&stop);
        let folder: Arc<Path> = folder.into();
        let thread = std::thread::spawn(move || {
            for socket in listener.incoming() {
                if is_over.load(Ordering::Acquire) {
                    return;
                }
                // a browser opens connections that it does not use, so each has a thread of its own
                let folder = Arc::clone(&folder);
                std::thread::spawn(move || socket.map(|socket| answer(&socket, &folder)));
            }
        });
        Self { address, stop, thread: Some(thread) }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().unwrap().join();
    }
}

fn answer(mut socket: &TcpStream, folder: &Path) -> Option<()> {
    let mut lines = BufReader::new(socket).lines().map_while(Result::ok);
    let request = lines.next()?;
    for line in lines {
        if line.is_empty() {
            break;
        }
    }
    let name = request.split(' ').nth(1)?.split('?').next()?.trim_start_matches('/');
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        _ => "text/plain",
    };
    // a browser asks for its icon, which there is not
    let is_plain = !name.contains("..") && !name.starts_with('/');
    let (status, body) = match std::fs::read(folder.join(name)).ok().filter(|_| is_plain) {
        Some(body) => ("200 OK", body),
        None => ("204 No Content", Vec::new()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    socket.write_all(&[head.as_bytes(), &body].concat()).ok()
}
