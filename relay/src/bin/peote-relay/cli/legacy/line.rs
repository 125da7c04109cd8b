//! Lines and values of the file, as the relay before reads them.

/// The keys that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Address,
    Port,
    /// Connections of one address.
    PerAddress,
    Logging,
    ErrorLogging,
    AccessLogging,
    LogFile,
    ErrorLogFile,
    AccessLogFile,
    /// Read before and used for nothing.
    Unused,
}

const KEYS: [(&str, Key); 15] = [
    ("address", Key::Address),
    ("port", Key::Port),
    ("max_connections_per_ip", Key::PerAddress),
    ("logging", Key::Logging),
    ("error_logging", Key::ErrorLogging),
    ("access_logging", Key::AccessLogging),
    ("logfile", Key::LogFile),
    ("error_logfile", Key::ErrorLogFile),
    ("access_logfile", Key::AccessLogFile),
    ("forward_http_address", Key::Unused),
    ("forward_http_port", Key::Unused),
    ("forward_https_address", Key::Unused),
    ("forward_https_port", Key::Unused),
    ("compress_min_bytes", Key::Unused),
    ("compress_level", Key::Unused),
];

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Empty, or nothing but a comment.
    Nothing,
    /// A key and what counts of its value. Both are made lower case.
    Setting(Key, String),
    /// Not understood, for this reason, and passed over.
    PassedOver(String),
}

/// Looks at one line.
pub(super) fn parse(line: &str) -> Line {
    let line = line.split('#').next().unwrap_or_default().trim();
    if line.is_empty() {
        return Line::Nothing;
    }
    let Some((key, value)) = line.split_once('=') else {
        return Line::PassedOver("there is no = in it".into());
    };
    let (key, value) = (key.trim().to_lowercase(), value.trim().to_lowercase());
    let Some((_, key)) = KEYS.iter().find(|(name, _)| *name == key) else {
        let names = KEYS.map(|(name, _)| name);
        let question = super::did_you_mean(&key.replace('-', "_"), "", &names);
        let question = question.map_or(String::new(), |question| format!("; {question}"));
        return Line::PassedOver(format!("there is no such key{question}"));
    };
    match counting(*key, &value) {
        Some(counting) => Line::Setting(*key, counting.into()),
        None => Line::PassedOver(format!("the value is not {}", form(*key))),
    }
}

/// What counts of a value, if it has the form that it must have.
fn counting(key: Key, value: &str) -> Option<&str> {
    match key {
        Key::Address => first_run(value, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')),
        Key::Port | Key::PerAddress => first_run(value, |c| c.is_ascii_digit()),
        Key::Logging | Key::ErrorLogging | Key::AccessLogging => {
            ["on", "off"].contains(&value).then_some(value)
        }
        Key::LogFile | Key::ErrorLogFile | Key::AccessLogFile => Some(value.trim_matches(['"', '\''])),
        Key::Unused => Some(value),
    }
}

fn form(key: Key) -> &'static str {
    match key {
        Key::Address => "an IPv4 address or a host name",
        Key::Port | Key::PerAddress => "a number",
        _ => "on or off",
    }
}

fn first_run(text: &str, is_part: impl Fn(char) -> bool) -> Option<&str> {
    let start = text.find(&is_part)?;
    let end = text[start..].find(|c| !is_part(c)).map_or(text.len(), |len| start + len);
    Some(&text[start..end])
}
