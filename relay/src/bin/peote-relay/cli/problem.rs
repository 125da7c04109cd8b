//! What can be wrong with options and files, one line each.

use std::fmt;
use std::path::Path;

/// One thing that is wrong, as the line that the operator reads: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem(String);

impl Problem {
    /// A problem that has no place.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self(one_line(text.as_ref()))
    }

    /// A problem with what stands in a file; `line` counts from 1.
    pub(crate) fn in_file(file: &Path, line: usize, text: impl fmt::Display) -> Self {
        Self::new(format!("{}:{line}: {text}", file.display()))
    }

    /// A problem with the value of an option.
    pub(crate) fn in_option(name: &str, value: &str, text: impl fmt::Display) -> Self {
        Self::new(format!("--{name} {}: {text}", shorten(value)))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value as it was written, shortened to what fits into a line.
pub(crate) fn shorten(value: &str) -> String {
    const LONGEST: usize = 60;
    let value = one_line(value);
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None if value.is_empty() => "\"\"".into(),
        None => value,
    }
}

/// Where `wrong` is close enough to one of `names` to have been meant, the question whether it was.
pub(crate) fn did_you_mean(wrong: &str, prefix: &str, names: &[&str]) -> Option<String> {
    // Underscores and capitals are the likeliest slips where the names have hyphens, so they count
    // for nothing.
    let wrong = wrong.replace('_', "-").to_lowercase();
    let near = names.iter().map(|name| (strsim::jaro_winkler(&wrong, name), name));
    let best = near.filter(|(likeness, _)| *likeness > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, name)| format!("did you mean {prefix}{name}?"))
}

/// A file or a shell can put anything into a value; on the terminal it stays one line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let names = ["max-connections", "max-channels", "listen"];
        let mean = |wrong| did_you_mean(wrong, "", &names);
        assert_eq!(mean("max_connections").unwrap(), "did you mean max-connections?");
        assert_eq!(mean("max-conections").unwrap(), "did you mean max-connections?");
        assert_eq!(mean("Listen").unwrap(), "did you mean listen?");
        assert_eq!(mean("colour"), None);
    }

    #[test]
    fn whatever_is_in_a_value_stays_on_one_short_line() {
        let long = "x".repeat(1000);
        assert_eq!(Problem::in_option("listen", "a\nb", "no").to_string(), "--listen a b: no");
        assert!(Problem::in_option("listen", &long, "no").to_string().len() < 100);
        assert_eq!(shorten(""), "\"\"");
    }
}
