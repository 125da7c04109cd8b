//! PEM files (RFC 7468) as there are: what is in them, and why it cannot be used.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Bytes of the longest file that is read.
const LONGEST: u64 = 1 << 20;

/// Sections with a private key that can be used.
const KEYS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

/// A text file, in which sections may be.
#[derive(Debug)]
pub(super) struct Pem {
    sections: Vec<Section>,
}

#[derive(Debug)]
struct Section {
    /// What stands behind `BEGIN`.
    label: String,
    /// The section alone, with its first and last line, and without what else may stand in it.
    text: String,
    is_encrypted: bool,
    has_end: bool,
}

impl Pem {
    /// Reads a file.
    ///
    /// # Errors
    /// Says what it is if it is no such file.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
        file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
        if bytes.len() as u64 > LONGEST {
            return Err("longer than 1 MiB, which no such file is".into());
        }
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        // a mark that some editors write in front of text
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        if bytes.trim_ascii().is_empty() {
            return Err("empty; it has to be a PEM file".into());
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err("UTF-16 text; save it as UTF-8".into());
        }
        let text = String::from_utf8_lossy(bytes);
        let sections = sections(&text);
        if !sections.is_empty() {
            return Ok(Self { sections });
        }
        if bytes.starts_with(&[0x30]) && text.contains(['\u{fffd}', '\0']) {
            return Err("DER or PKCS #12, and not PEM; convert it with openssl x509, openssl pkey or \
                 openssl pkcs12"
                .into());
        }
        Err("not a PEM file: it has no line -----BEGIN …-----".into())
    }

    /// All certificates, in their order.
    ///
    /// # Errors
    /// Says what there is instead.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let found: Vec<_> = self.with("CERTIFICATE").collect();
        if found.is_empty() {
            return Err(self.instead_of("certificate"));
        }
        found.into_iter().map(Section::decode).collect()
    }

    /// The first private key.
    ///
    /// # Errors
    /// Says what there is instead, or that it needs a passphrase.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, String> {
        let keys = || self.sections.iter().filter(|section| KEYS.contains(&&*section.label));
        if let Some(key) = keys().find(|section| !section.is_encrypted) {
            return key.decode();
        }
        if keys().next().is_some() || self.with("ENCRYPTED PRIVATE KEY").next().is_some() {
            return Err(
                "the key is encrypted with a passphrase, which nobody is there to type; write one without \
                 (openssl pkey -in FILE -out NEW), readable for the relay alone"
                    .into(),
            );
        }
        Err(self.instead_of("private key"))
    }

    fn with(&self, label: &str) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(move |section| section.label == label)
    }

    /// What there is where something else is looked for.
    fn instead_of(&self, what: &str) -> String {
        let mut labels: Vec<_> = self.sections.iter().map(|section| &*section.label).collect();
        labels.dedup();
        let advice = match () {
            () if labels.iter().any(|label| *label == "CERTIFICATE" || label.ends_with("PRIVATE KEY"))
                && !labels.contains(&"OPENSSH PRIVATE KEY")
                && !labels.contains(&"DSA PRIVATE KEY") =>
            {
                "; are tls-certificate and tls-key the wrong way round?"
            }
            () if labels.contains(&"CERTIFICATE REQUEST") || labels.contains(&"NEW CERTIFICATE REQUEST") => {
                "; a certificate is what the authority answers to a request"
            }
            () if labels.contains(&"TRUSTED CERTIFICATE") => "; convert it with openssl x509",
            () if labels.contains(&"PKCS7") => "; convert it with openssl pkcs7 -print_certs",
            () if labels.contains(&"OPENSSH PRIVATE KEY") => "; convert it with ssh-keygen -p -m PEM",
            () if labels.contains(&"DSA PRIVATE KEY") => "; keys of DSA are for no TLS of today",
            () => "",
        };
        format!("no {what} in it, but {}{advice}", labels.join(", "))
    }
}

impl Section {
    fn decode<T: PemObject>(&self) -> Result<T, String> {
        if !self.has_end {
            return Err(format!("cut off: {END}{}----- is missing", self.label));
        }
        T::from_pem_slice(self.text.as_bytes())
            .map_err(|_| format!("what stands in {} is no base64", self.label))
    }
}

/// All sections, whatever the line ends, and whatever stands around them.
fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut is_within = false;
    for line in text.split(['\n', '\r']).map(str::trim) {
        let label = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix("-----"));
        if let Some(label) = label {
            let (label, text) = (label.to_string(), format!("{line}\n"));
            sections.push(Section { label, text, is_encrypted: false, has_end: false });
            is_within = true;
            continue;
        }
        let Some(section) = sections.last_mut().filter(|_| is_within) else { continue };
        if line.starts_with(END) {
            section.text.push_str(&format!("{END}{}-----\n", section.label));
            section.has_end = true;
            is_within = false;
        } else if line.contains(':') {
            // the form before RFC 7468 has headers (RFC 1421, section 4.6)
            section.is_encrypted |= line.contains("ENCRYPTED") || line.starts_with("DEK-Info");
        } else {
            section.text.push_str(line);
            section.text.push('\n');
        }
    }
    sections
}

#[cfg(test)]
#[path = "pem_tests.rs"]
mod tests;
