//! A real browser without a window, told what to do through its `DevTools` protocol.

use std::fs;
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::running::PATIENCE;
use crate::tools;

/// What keeps the browser from talking to anybody but the pages of the test, and pages in the
/// background awake.
const OPTIONS: [&str; 12] = [
    "--headless",
    "--no-sandbox", // root has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--remote-debugging-port=0",
];

/// The browser. Ended when dropped.
pub(crate) struct Chromium {
    process: Child,
    profile: PathBuf,
    devtools: WebSocket<TcpStream>,
    next_id: u64,
    /// What pages have complained about: exceptions nobody caught, and errors in the log.
    pub(crate) complaints: Vec<String>,
}

/// One page of it.
#[derive(Clone)]
pub(crate) struct Page {
    session: String,
}

impl Chromium {
    pub(crate) fn start() -> Self {
        // tests of one process run at the same time
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = format!("chromium-{}-{number}", std::process::id());
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        let _ = fs::remove_dir_all(&profile);
        fs::create_dir_all(&profile).unwrap();
        let mut process = Command::new(tools::chromium())
            .args(OPTIONS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(profile.join("log")).unwrap())
            .spawn()
            .unwrap();
        let devtools = connect(&mut process, &profile);
        Self { process, profile, devtools, next_id: 0, complaints: Vec::new() }
    }

    /// Opens a page, and waits until it is there.
    pub(crate) fn open(&mut self, address: &str) -> Page {
        let target = self.call(None, "Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call(None, "Target.attachToTarget", &attach);
        let page = Page { session: session["sessionId"].as_str().unwrap().to_owned() };
        for domain in ["Runtime.enable", "Log.enable", "Page.enable"] {
            self.call(Some(&page), domain, &json!({}));
        }
        self.call(Some(&page), "Page.navigate", &json!({ "url": address }));
        self.wait_for(&page, &format!("location.href == {address:?} && document.readyState == 'complete'"));
        page
    }

    /// Gives a page this size, in CSS pixels.
    pub(crate) fn resize(&mut self, page: &Page, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call(Some(page), "Emulation.setDeviceMetricsOverride", &size);
    }

    /// What an expression is in a page.
    #[track_caller]
    pub(crate) fn evaluate(&mut self, page: &Page, expression: &str) -> Value {
        let ask = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut said = self.call(Some(page), "Runtime.evaluate", &ask);
        assert!(said.get("exceptionDetails").is_none(), "{expression}: {said}");
        said["result"]["value"].take()
    }

    /// Waits until an expression is true in a page.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, page: &Page, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.evaluate(page, &format!("Boolean({expression})")) != json!(true) {
            if Instant::now() >= deadline {
                let shows = self.evaluate(page, "document.body.innerText");
                panic!("never true: {expression}; the page shows {shows}, complaints {:#?}", self.complaints);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Calls a method of the browser, or of a page.
    #[track_caller]
    fn call(&mut self, page: Option<&Page>, method: &str, parameters: &Value) -> Value {
        self.next_id += 1;
        let mut call = json!({ "id": self.next_id, "method": method, "params": parameters });
        if let Some(page) = page {
            call["sessionId"] = json!(page.session);
        }
        self.devtools.send(Message::text(call.to_string())).unwrap();
        loop {
            let Message::Text(text) = self.devtools.read().unwrap() else { continue };
            let mut said: Value = serde_json::from_str(&text).unwrap();
            if said["id"] == self.next_id {
                assert!(said.get("error").is_none(), "{method}: {said}");
                return said["result"].take();
            }
            self.note(&said);
        }
    }

    /// Something has happened in a page.
    fn note(&mut self, event: &Value) {
        let what = &event["params"];
        match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.complaints.push(what["exceptionDetails"].to_string()),
            // connections that fail are what these tests are about
            Some("Log.entryAdded")
                if what["entry"]["level"] == "error" && what["entry"]["source"] != "network" =>
            {
                let text = what["entry"].to_string();
                if !text.contains("WebSocket connection to") {
                    self.complaints.push(text);
                }
            }
            _ => {}
        }
    }
}

/// The browser writes into its profile where it can be reached.
fn connect(process: &mut Child, profile: &Path) -> WebSocket<TcpStream> {
    let deadline = Instant::now() + PATIENCE;
    let log = || fs::read_to_string(profile.join("log")).unwrap_or_default();
    let (port, path) = loop {
        let file = fs::read_to_string(profile.join("DevToolsActivePort")).unwrap_or_default();
        if let Some((port, path)) = file.split_once('\n')
            && path.starts_with('/')
        {
            break (port.parse::<u16>().unwrap(), path.trim().to_owned());
        }
        assert!(process.try_wait().unwrap().is_none(), "the browser has ended: {}", log());
        assert!(Instant::now() < deadline, "the browser does not start: {}", log());
        std::thread::sleep(Duration::from_millis(20));
    };
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let (devtools, _) = tungstenite::client(format!("ws://127.0.0.1:{port}{path}"), socket).unwrap();
    devtools
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.devtools.get_ref().shutdown(Shutdown::Both);
        let _ = self.process.kill();
        let _ = self.process.wait();
        // helper processes may go on writing for a moment
        let _ = fs::remove_dir_all(&self.profile);
    }
}
