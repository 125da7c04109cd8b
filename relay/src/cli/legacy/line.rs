//! The shapes of lines: `key = value`, `key: value`, `key value`, `'key' => "value",`, `my $key = 'value';`, `$config{key} = value;`.

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Empty, a comment, or braces and the like.
    Nothing,
    /// `[section]`
    Section,
    Setting {
        name: &'a str,
        value: &'a str,
    },
    Other,
}

/// Looks at one line.
pub(super) fn parse(line: &str) -> Line<'_> {
    let line = line.trim_start_matches('\u{feff}').trim();
    let is_structure = line.chars().all(|c| c.is_whitespace() || "(){}[];,".contains(c));
    if is_structure || is_comment(line) {
        return Line::Nothing;
    }
    if line.starts_with('[') {
        return if line.ends_with(']') { Line::Section } else { Line::Other };
    }
    let mut rest = line.trim_start_matches(['{', '(', ' ', '\t']);
    for word in ["my", "our", "local"] {
        if let Some(behind) = rest.strip_prefix(word).filter(|behind| behind.starts_with([' ', '\t'])) {
            rest = behind.trim_start();
        }
    }
    let (name, rest) = quoted(rest).unwrap_or_else(|| rest.split_at(end_of_name(rest)));
    let is_apart = rest.starts_with([' ', '\t']);
    let rest = rest.trim_start();
    // two colons are the beginning of an address
    let signs: &[&str] = if rest.starts_with("::") { &[] } else { &["=>", "=", ":"] };
    let behind = signs.iter().find_map(|sign| rest.strip_prefix(sign));
    match behind.or(is_apart.then_some(rest)).and_then(value) {
        Some(value) => Line::Setting { name: bare(name), value },
        None => Line::Other,
    }
}

fn is_comment(text: &str) -> bool {
    text.starts_with(['#', ';']) || text.starts_with("//")
}

/// Text in quotes at the beginning, without them, and what comes behind.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text[1..].split_once(quote)
}

/// Where a name without quotes ends: at a space, an equals sign or a colon, but not at two colons.
fn end_of_name(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_colon = |at: Option<usize>| at.and_then(|at| bytes.get(at)) == Some(&b':');
    let is_end = |(at, c): &(usize, char)| match c {
        ':' => !is_colon(at.checked_sub(1)) && !is_colon(at.checked_add(1)),
        c => *c == '=' || c.is_whitespace(),
    };
    text.char_indices().find(is_end).map_or(text.len(), |(at, _)| at)
}

/// A name without what a programming language puts around it.
fn bare(name: &str) -> &str {
    let name = name.rsplit("::").next().unwrap_or(name);
    let name = name.rsplit('{').next().unwrap_or(name);
    name.trim_matches(['$', '-', '}', '"', '\''])
}

/// A value without quotes, the end of a statement, and a comment behind it.
fn value(text: &str) -> Option<&str> {
    let text = text.trim();
    let (value, rest) = quoted(text).unwrap_or_else(|| {
        let end = [";", " #", "\t#", " //", "\t//"].iter().filter_map(|sign| text.find(sign)).min();
        text.split_at(end.unwrap_or(text.len()))
    });
    let value = if text.starts_with(['"', '\'']) {
        value
    } else {
        value.trim_end_matches([',', ')', '}', ' ', '\t'])
    };
    let rest = rest.trim_start().trim_start_matches([',', ')', '}']).trim_start();
    let is_end = rest.is_empty() || is_comment(rest);
    // behind a semicolon there may be one more of them, which must not go unnoticed
    let is_another = rest.starts_with(';') && rest.contains('=');
    let value = value.trim();
    (is_end && !is_another && !value.is_empty() && !value.starts_with(['{', '('])).then_some(value)
}
