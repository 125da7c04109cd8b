//! Which of two formats a request asks for: the header `Accept` (RFC 9110, sections 12.4.2 and
//! 12.5.1).

/// A format of the figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// Prometheus' text format 0.0.4, which all that read figures know.
    #[default]
    Text,
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
}

/// Type, subtype and version of a format, each as a request may name it.
type Offer = (&'static str, &'static str, &'static str);

const TEXT: Offer = ("text", "plain", "0.0.4");
const OPEN_METRICS: Offer = ("application", "openmetrics-text", "1.0.0");

/// How well a range fits an offer (the more of it is named, the better), and how much it is wanted,
/// in thousandths.
type Fit = (u8, u16);

/// Returns what is wanted most by the values of `Accept`.
///
/// Text where both are wanted as much and neither is named more precisely, where neither is wanted,
/// and without any value.
pub(crate) fn format(values: impl Iterator<Item = impl AsRef<[u8]>>) -> Format {
    let (mut text, mut open): (Fit, Fit) = ((0, 0), (0, 0));
    for value in values {
        let Ok(value) = str::from_utf8(value.as_ref()) else { continue };
        for range in split(value, ',') {
            text = better(text, fit(range, TEXT));
            open = better(open, fit(range, OPEN_METRICS));
        }
    }
    let by_quality = |(named, quality): Fit| (quality, named);
    if by_quality(open) > by_quality(text) && open.1 > 0 { Format::OpenMetrics } else { Format::Text }
}

/// The fit that counts: the more precise one, and of two that are as precise the one that is wanted
/// more.
fn better(one: Fit, other: Option<Fit>) -> Fit {
    other.map_or(one, |other| one.max(other))
}

/// How a media range with its parameters fits an offer, if it does.
fn fit(range: &str, (kind, subkind, version): Offer) -> Option<Fit> {
    let mut parts = split(range, ';');
    let (its_kind, its_subkind) = parts.next()?.split_once('/')?;
    let is = |one: &str, other: &str| one.trim().eq_ignore_ascii_case(other);
    let mut named = match () {
        () if is(its_kind, kind) && is(its_subkind, subkind) => 3,
        () if is(its_kind, kind) && is(its_subkind, "*") => 2,
        () if is(its_kind, "*") && is(its_subkind, "*") => 1,
        () => return None,
    };
    let mut quality = 1000;
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        match &*name.trim().to_ascii_lowercase() {
            "q" => quality = thousandths(value)?,
            "version" if value == version => named += 1,
            "charset" if value.eq_ignore_ascii_case("utf-8") => {}
            "version" | "charset" => return None,
            _ => {}
        }
    }
    Some((named, quality))
}

/// A weight (RFC 9110, section 12.4.2) in thousandths.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = matches!(whole, "0" | "1") && fraction.len() <= 3;
    let is_number = is_number && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let all = if is_number { format!("{whole}{fraction:0<3}").parse::<u16>().ok()? } else { return None };
    (all <= 1000).then_some(all)
}

/// The parts between separators, but for those in quoted strings.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |character| {
        is_quoted ^= character == '"';
        character == separator && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(accept: &[&str], expected: Format) {
        assert_eq!(format(accept.iter().map(|value| value.as_bytes())), expected, "{accept:?}");
    }

    #[test]
    fn those_that_name_open_metrics_get_it() {
        for accept in [
            "application/openmetrics-text",
            "Application/OpenMetrics-Text; version=1.0.0; charset=UTF-8",
            "application/openmetrics-text; version=\"1.0.0\"",
            "application/openmetrics-text, */*",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
            "application/*, text/plain;q=0.9",
            // Prometheus 2 and 3
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
             text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
        ] {
            is(&[accept], Format::OpenMetrics);
        }
        is(&["text/plain;q=0.5", "application/openmetrics-text"], Format::OpenMetrics);
    }

    #[test]
    fn all_others_get_text() {
        for accept in [
            "",
            "*/*",
            "text/plain",
            "text/plain;version=0.0.4",
            "text/*",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.75",
            "application/openmetrics-text;q=0, */*",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;charset=latin1",
            "application/openmetrics-text;q=2",
            "application/openmetrics-text;q=0.0000",
            "application/json",
            "text/plain;x=\"a,application/openmetrics-text\"",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,\
             text/plain;version=0.0.4;q=0.3",
            "nonsense;;,/,;q=1",
        ] {
            is(&[accept], Format::Text);
        }
        is(&[], Format::Text);
        assert_eq!(format([&b"\xff"[..]].into_iter()), Format::Text);
    }
}
