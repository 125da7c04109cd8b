//! The images.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// An emulated board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Board {
    /// 64 KB of RAM; its greatest chunk is 1024 bytes.
    Lm3s6965evb,
    /// 4 MB of RAM; its greatest chunk is 32,768 bytes.
    Mps2An385,
    /// The same machine, as a client with TLS.
    Mps2An385Tls,
}

impl Board {
    /// What the image is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lm3s6965evb => "lm3s6965evb",
            Self::Mps2An385 => "mps2-an385",
            Self::Mps2An385Tls => "mps2-an385-tls",
        }
    }

    /// What QEMU calls the board.
    pub(crate) fn machine(self) -> &'static str {
        match self {
            Self::Lm3s6965evb => "lm3s6965evb",
            Self::Mps2An385 | Self::Mps2An385Tls => "mps2-an385",
        }
    }

    /// What QEMU calls its network controller.
    pub(crate) fn controller(self) -> &'static str {
        match self {
            Self::Lm3s6965evb => "stellaris",
            Self::Mps2An385 | Self::Mps2An385Tls => "lan9118",
        }
    }

    /// The greatest chunk in bytes.
    pub(crate) fn chunk(self) -> usize {
        match self {
            Self::Lm3s6965evb => 1024,
            Self::Mps2An385 => 32_768,
            Self::Mps2An385Tls => 256,
        }
    }

    /// The board's image, which is built if need be.
    pub(crate) fn image(self) -> PathBuf {
        static FOLDER: OnceLock<PathBuf> = OnceLock::new();
        let image = FOLDER.get_or_init(folder).join(self.name());
        assert!(image.exists(), "{} is missing; scripts/firmware builds it", image.display());
        image
    }
}

fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("PEOTE_FIRMWARE") {
        return folder.into();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/firmware");
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
    let output = String::from_utf8_lossy(&built.stdout);
    assert!(
        built.status.success(),
        "{} failed:\n{output}{}",
        script.display(),
        String::from_utf8_lossy(&built.stderr)
    );
    output.lines().last().expect("scripts/firmware says where the images are").into()
}
