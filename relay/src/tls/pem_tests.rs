use super::*;

// Made for these tests by openssl 3.0 (ecparam -genkey; req -x509; ec -aes128), and in use nowhere.

const KEY: &str = "\
-----BEGIN EC PARAMETERS-----
BggqhkjOPQMBBw==
-----END EC PARAMETERS-----
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIC6wyuAhgvzAyEHOO7FFIlfNfvKONEirarGEYYh3C5WfoAoGCCqGSM49
AwEHoUQDQgAEO8kOY6+OyCF4Rw/kTHqpsTui5NN1j5m1OBlPAX5FuyqP0bMGrAO0
M7ftr3PsUFitfaGLbO6XGdfK035x0j7sdQ==
-----END EC PRIVATE KEY-----
";

const ENCRYPTED_OLD: &str = "\
-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,D1E8A26F9B237D76EB1DA9F53C9683F5

gruDKbBjvwkC8/+4sh1GmFkvisZ0bxsYny3BBNmP6uLM5NVQJ6yURQGgl8hu4Xip
4RFhbaLUkEBvWC2hn7G5N4rLrMIYzPT7yZlULvC9CERvt7Z4kbc5e7YkMwYVvF+B
I/FfEKAt07FmVnnTOAcAhzXguiYNkNpE9RnBBakBhXc=
-----END EC PRIVATE KEY-----
";

const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBjTCCATOgAwIBAgIUYiIukw65CXE2CsnVogl8BDk+Re0wCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFcmVsYXkwIBcNMjYxMTI3MDIwODEwWhgPMjEyNjExMDMwMjA4
MTBaMBAxDjAMBgNVBAMMBXJlbGF5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
O8kOY6+OyCF4Rw/kTHqpsTui5NN1j5m1OBlPAX5FuyqP0bMGrAO0M7ftr3PsUFit
faGLbO6XGdfK035x0j7sdaNpMGcwHQYDVR0OBBYEFKWMPWUn8Cenq7gh0JlHzrBP
3HZZMB8GA1UdIwQYMBaAFKWMPWUn8Cenq7gh0JlHzrBP3HZZMA8GA1UdEwEB/wQF
MAMBAf8wFAYDVR0RBA0wC4IJbG9jYWxob3N0MAoGCCqGSM49BAMCA0gAMEUCIF4P
C61h27kI7dKiJQwm/XKfn4M6rT6oDFEBSb1+1RmzAiEA3VVY6oS0+7Sh3kIn3vME
+HxBVuWOO3sPnqQ2mq3tXbY=
-----END CERTIFICATE-----
";

/// Sections whose content is never looked at.
fn section(label: &str) -> String {
    format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n")
}

fn key_of(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    Pem::parse(bytes)?.key()
}

fn certificates_of(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    Pem::parse(bytes)?.certificates()
}

#[test]
fn every_way_to_write_a_file_that_can_be_used() {
    let key = key_of(KEY.as_bytes()).unwrap();
    let certificate = certificates_of(CERTIFICATE.as_bytes()).unwrap();
    assert_eq!(certificate.len(), 1);
    let changes: [fn(&str) -> String; 9] = [
        |text| text.replace('\n', "\r\n"),
        |text| text.replace('\n', "\r"),
        |text| format!("\u{feff}{text}"),
        |text| format!("\u{feff}{}", text.replace('\n', "\r\n")),
        |text| text.trim_end().into(),
        |text| text.replace('\n', "\n    "),
        |text| text.replace('\n', " \n"),
        |text| format!("Bag Attributes\n    localKeyID: 01\nsubject=CN = gr\u{fc}n\n{text}\n\nmore\n"),
        |text| text.replace("PRIVATE KEY-----\nM", "PRIVATE KEY-----\nComment: mine\n\nM"),
    ];
    for (number, change) in changes.iter().enumerate() {
        assert_eq!(key_of(change(KEY).as_bytes()).as_ref(), Ok(&key), "{number}");
        assert_eq!(certificates_of(change(CERTIFICATE).as_bytes()).as_ref(), Ok(&certificate), "{number}");
    }
    // one file for both, whichever comes first, and others beside them
    for both in [
        format!("{KEY}{CERTIFICATE}"),
        format!("{CERTIFICATE}{KEY}"),
        format!("{}{ENCRYPTED_OLD}{CERTIFICATE}{}{KEY}", section("X509 CRL"), section("DH PARAMETERS")),
    ] {
        assert_eq!(key_of(both.as_bytes()).as_ref(), Ok(&key));
        assert_eq!(certificates_of(both.as_bytes()).as_ref(), Ok(&certificate));
    }
    let chain = CERTIFICATE.repeat(3);
    assert_eq!(certificates_of(chain.as_bytes()).unwrap().len(), 3);
}

#[track_caller]
fn says<T: std::fmt::Debug>(result: Result<T, String>, part: &str) {
    let what = result.unwrap_err();
    assert!(what.contains(part) && !what.contains('\n'), "{what}");
}

#[test]
fn keys_that_cannot_be_used_are_named() {
    let encrypted = "encrypted with a passphrase";
    says(key_of(section("ENCRYPTED PRIVATE KEY").as_bytes()), encrypted);
    says(key_of(format!("{CERTIFICATE}{}", section("ENCRYPTED PRIVATE KEY")).as_bytes()), encrypted);
    says(key_of(ENCRYPTED_OLD.as_bytes()), encrypted);
    says(key_of(ENCRYPTED_OLD.replace('\n', "\r\n").as_bytes()), encrypted);
    says(key_of(ENCRYPTED_OLD.replace("EC PRIVATE", "RSA PRIVATE").as_bytes()), encrypted);
    says(
        key_of(CERTIFICATE.as_bytes()),
        "no private key in it, but CERTIFICATE; are tls-certificate and tls-key the",
    );
    says(key_of(section("EC PARAMETERS").as_bytes()), "no private key in it, but EC PARAMETERS");
    says(key_of(section("PUBLIC KEY").as_bytes()), "no private key in it, but PUBLIC KEY");
    says(key_of(section("OPENSSH PRIVATE KEY").as_bytes()), "ssh-keygen");
    says(key_of(section("DSA PRIVATE KEY").as_bytes()), "DSA");
    let cut = KEY.split_once("-----END EC PRIVATE").unwrap().0;
    says(key_of(cut.as_bytes()), "cut off: -----END EC PRIVATE KEY----- is missing");
    says(key_of(KEY.replace("MHcC", "M_cC").as_bytes()), "what stands in EC PRIVATE KEY is no base64");
}

#[test]
fn certificates_that_cannot_be_used_are_named() {
    says(
        certificates_of(KEY.as_bytes()),
        "no certificate in it, but EC PARAMETERS, EC PRIVATE KEY; are tls-certificate and",
    );
    says(certificates_of(section("ENCRYPTED PRIVATE KEY").as_bytes()), "the wrong way round?");
    says(certificates_of(section("CERTIFICATE REQUEST").as_bytes()), "a request");
    says(certificates_of(section("TRUSTED CERTIFICATE").as_bytes()), "openssl x509");
    says(certificates_of(section("PKCS7").as_bytes()), "openssl pkcs7");
    let cut = CERTIFICATE.split_once("-----END").unwrap().0;
    says(certificates_of(format!("{CERTIFICATE}{cut}").as_bytes()), "cut off");
    says(certificates_of(format!("{cut}{CERTIFICATE}").as_bytes()), "cut off");
}

#[test]
fn files_that_are_no_pem_are_named() {
    let utf16: Vec<u8> = [0xfeff].into_iter().chain(KEY.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let der = |len: u8| [&[0x30, len, 2, 1, 0, 0x30, 5][..], &[0xa5; 40]].concat();
    for (bytes, part) in [
        (&b""[..], "empty"),
        (b" \r\n\n", "empty"),
        ("\u{feff}".as_bytes(), "empty"),
        (&utf16, "UTF-16"),
        (&der(0x82), "DER or PKCS #12"),
        // the key of Ed25519 is short
        (&der(0x2e), "DER or PKCS #12"),
        (b"0 is no DER", "not a PEM file"),
        (b"{\"key\": \"value\"}", "not a PEM file"),
        (b"MHcCAQEEIC6wyuAhgvzAyEHOO7FFIlfNfvKONEirarGEYYh3C5WfoAoGCCqGSM49", "not a PEM file"),
        (b"---- BEGIN SSH2 PUBLIC KEY ----", "not a PEM file"),
    ] {
        says(key_of(bytes), part);
        says(certificates_of(bytes), part);
    }
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    says(Pem::read(directory), "cannot be read: ");
    says(Pem::read(&directory.join("nothing.pem")), "cannot be read: ");
}
