//! Names of hosts in options and settings.

/// Whether this can be the name of a host.
pub(super) fn is_host(text: &str) -> bool {
    let is_part =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || !byte.is_ascii();
    !text.is_empty() && text.bytes().all(is_part) && text.bytes().any(|byte| !byte.is_ascii_digit())
}

/// What stands behind a scheme such as `ws://`, without a path, if there is one.
pub(super) fn without_scheme(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    Some(rest.split(['/', '?', '#']).next().unwrap_or(rest))
}
