//! The configuration file: TOML, with the settings as keys at the top level.

use std::fs;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, did_you_mean, shorten};
use super::settings::{SETTINGS, Setting, Settings};

/// Reads a file into `settings`. What is set is reported to `seen`: the index in [`SETTINGS`] and
/// the line, from 1.
///
/// # Errors
/// All that is wrong with the file, in the order of its lines; `settings` is then of no use.
pub(crate) fn read(
    path: &Path,
    settings: &mut Settings,
    seen: impl FnMut(usize, usize),
) -> Result<(), Vec<Problem>> {
    let bytes = fs::read(path).map_err(|error| {
        vec![Problem::new(format!(
            "{}: cannot be read: {error}; name another file with --config",
            path.display()
        ))]
    })?;
    let text = str::from_utf8(&bytes).map_err(|error| {
        let line = line_of(&bytes, error.valid_up_to());
        vec![Problem::in_file(path, line, "not UTF-8 text; save the file as UTF-8")]
    })?;
    parse(path, text, settings, seen)
}

fn parse(
    path: &Path,
    text: &str,
    settings: &mut Settings,
    mut seen: impl FnMut(usize, usize),
) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut report = |at: usize, problem: String| {
        let line = line_of(text.as_bytes(), at);
        problems.push((at, Problem::in_file(path, line, problem)));
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        report(at, format!("not TOML: {}{}", error.message(), what_stands_at(text, at)));
    }
    // After a syntax error the rest of the file may have been misread, so nothing more is said
    // about it.
    if errors.is_empty() {
        for (key, value) in table.get_ref() {
            let found = SETTINGS.iter().enumerate().find(|(_, setting)| setting.name == key.get_ref());
            let Some((index, setting)) = found else {
                report(key.span().start, unknown(key.get_ref(), value.get_ref()));
                continue;
            };
            seen(index, line_of(text.as_bytes(), key.span().start));
            if let Err((span, what)) = take_over(setting, value, text, settings) {
                let written = shorten(&text[span.clone()]);
                report(span.start, format!("{} = {written}: {what}", setting.name));
            }
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    problems.sort_by_key(|(at, _)| *at);
    Err(problems.into_iter().map(|(_, problem)| problem).collect())
}

fn take_over(
    setting: &Setting,
    value: &Spanned<DeValue<'_>>,
    text: &str,
    settings: &mut Settings,
) -> Result<(), (Range<usize>, String)> {
    setting.clear(settings);
    let mut set = |value: &Spanned<DeValue<'_>>| {
        let span = value.span();
        setting.set(settings, &written(value.get_ref(), &text[span.clone()])).map_err(|what| (span, what))
    };
    match value.get_ref() {
        DeValue::Array(values) if setting.is_list() => values.iter().try_for_each(set),
        _ => set(value),
    }
}

/// A value as it would be written as an option. Arrays and tables stay as they are, and are no
/// value of any setting.
fn written(value: &DeValue<'_>, source: &str) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        // Underscores between digits are TOML's own way to write 65_536.
        DeValue::Integer(_) | DeValue::Float(_) => source.replace('_', ""),
        _ => source.to_string(),
    }
}

fn unknown(key: &str, value: &DeValue<'_>) -> String {
    let key = shorten(key);
    if value.is_table() {
        return format!("unknown table [{key}]; settings stand at the top level, without tables");
    }
    match did_you_mean(&key, "", &SETTINGS.each_ref().map(|setting| setting.name)) {
        Some(question) => format!("unknown key {key}; {question}"),
        None => format!("unknown key {key}; --print-config shows all keys"),
    }
}

/// What a syntax error is about: the rest of the line it begins in.
fn what_stands_at(text: &str, at: usize) -> String {
    let rest = text.get(at..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    if rest.trim().is_empty() { String::new() } else { format!(", at: {}", shorten(rest.trim())) }
}

/// The line, from 1, in which the byte at `at` lies.
fn line_of(text: &[u8], at: usize) -> usize {
    1 + text.iter().take(at).filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn read(text: &str) -> Result<Settings, Vec<String>> {
        let mut settings = Settings::default();
        match parse(Path::new("r.toml"), text, &mut settings, |_, _| {}) {
            Ok(()) => Ok(settings),
            Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
        }
    }

    #[track_caller]
    fn wrong(text: &str, expected: &[&str]) {
        assert_eq!(read(text).unwrap_err(), expected);
    }

    #[test]
    fn every_way_to_write_a_value() {
        let text = "max-channels = 1_000\nqueue-bytes = \"64KiB\"\nmemory-bytes = 2097152\n\
                    stall-timeout = 2.5\nfirst-byte-timeout = \"1min\"\nlisten = \"[::1]:1\"\n";
        let relay = read(text).unwrap().relay;
        assert_eq!(relay.max_channels, 1000);
        assert_eq!(relay.queue_bytes, 65_536);
        assert_eq!(relay.memory_bytes, 2 << 20);
        assert_eq!(relay.stall_timeout, Duration::from_millis(2500));
        assert_eq!(relay.first_byte_timeout, Duration::from_secs(60));
        assert_eq!(relay.listen, ["[::1]:1".parse().unwrap()]);
        let two = read("listen = [\"127.0.0.1:1\", \"127.0.0.1:2\"]").unwrap();
        assert_eq!(two.relay.listen.len(), 2);
    }

    #[test]
    fn an_empty_file_changes_nothing() {
        assert_eq!(read(""), Ok(Settings::default()));
        assert_eq!(read("# nothing\r\n"), Ok(Settings::default()));
    }

    #[test]
    fn what_was_set_is_reported_with_its_line() {
        let mut seen = Vec::new();
        let mut settings = Settings::default();
        let text = "# first\n\nmax-channels = 1\nlisten = [\n  \"127.0.0.1:1\",\n]\n";
        parse(Path::new("r.toml"), text, &mut settings, |index, line| {
            seen.push((SETTINGS[index].name, line));
        })
        .unwrap();
        seen.sort_by_key(|(_, line)| *line);
        assert_eq!(seen, [("max-channels", 3), ("listen", 4)]);
    }

    #[test]
    fn values_out_of_range() {
        let size = "write a size from 64KiB to 1GiB";
        wrong("queue-bytes = 12", &[&format!("r.toml:1: queue-bytes = 12: {size}")]);
        wrong("\nqueue-bytes = \"1B\"", &[&format!("r.toml:2: queue-bytes = \"1B\": {size}")]);
        wrong("queue-bytes = [1]", &[&format!("r.toml:1: queue-bytes = [1]: {size}")]);
    }

    #[test]
    fn the_line_is_the_address_s_own() {
        let problem = "r.toml:3: listen = \"::1\": the port is missing; write [::1]:7680";
        wrong("listen = [\n \"[::1]:1\",\n \"::1\"]", &[problem]);
    }

    #[test]
    fn all_problems_at_once_in_order() {
        let problems =
            read("stall-timeout = -1\nqueue_bytes = 1\nmax-channels = 1.5\n[limits]\nx = 1").unwrap_err();
        assert_eq!(
            problems,
            [
                "r.toml:1: stall-timeout = -1: write seconds from 0.1 to 86400",
                "r.toml:2: unknown key queue_bytes; did you mean queue-bytes?",
                "r.toml:3: max-channels = 1.5: write a whole number from 0 to 4294967295",
                "r.toml:4: unknown table [limits]; settings stand at the top level, without tables",
            ]
        );
    }

    #[test]
    fn what_is_not_toml() {
        for text in ["queue-bytes = 64KiB", "max-channels = ", "listen = [", "a = 1\na = 2", "=", "x"] {
            let problems = read(text).unwrap_err();
            assert!(problems.iter().all(|problem| problem.contains(": not TOML: ")), "{problems:?}");
            assert!(problems.iter().all(|problem| !problem.contains('\n')), "{problems:?}");
        }
    }
}
