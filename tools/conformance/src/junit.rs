//! The report as `JUnit` XML, which CI systems read.

use std::fmt::Write as _;

use crate::report::{Outcome, Report};

/// Returns the report as `JUnit` XML, with the bytes of each case in `system-out`.
#[must_use]
pub fn junit(report: &Report) -> String {
    let [_, failed, skipped] = report.counts();
    let seconds: f64 = report.tried.iter().map(|tried| tried.took.as_secs_f64()).sum();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"peote-conformance\" tests=\"{}\" \
         failures=\"{failed}\" skipped=\"{skipped}\" errors=\"0\" time=\"{seconds:.3}\">\n",
        report.tried.len()
    );
    for tried in &report.tried {
        let (name, group) = (escaped(tried.case.name), tried.case.group());
        let section = tried.case.section().replace('.', "_");
        let took = tried.took.as_secs_f64();
        let _ = writeln!(
            xml,
            "  <testcase classname=\"{group}.section_{section}\" name=\"{name}\" time=\"{took:.3}\">"
        );
        let _ = match &tried.outcome {
            Outcome::Passed => Ok(()),
            Outcome::Failed(why) => writeln!(xml, "    <failure message=\"{}\"/>", escaped(why)),
            Outcome::Skipped(why) => writeln!(xml, "    <skipped message=\"{}\"/>", escaped(why)),
        };
        let bytes: String = tried.lines.iter().map(|line| format!("{line}\n")).collect();
        let text = escaped(&format!("{}\n{bytes}", tried.case.title));
        let _ = writeln!(xml, "    <system-out>{text}</system-out>\n  </testcase>");
    }
    xml + "</testsuite>\n"
}

/// Returns `JUnit` XML of a run in which nothing could be tried, and why.
#[must_use]
pub fn junit_of_nothing(why: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"peote-conformance\" tests=\"1\" failures=\"0\" \
         skipped=\"0\" errors=\"1\" time=\"0\">\n  <testcase classname=\"peote-conformance\" name=\"begin\" time=\"0\">\n    \
         <error message=\"{}\"/>\n  </testcase>\n</testsuite>\n",
        escaped(why)
    )
}

/// Characters that XML does not allow at all become question marks.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            character if character.is_control() => out.push('?'),
            character => out.push(character),
        }
    }
    out
}
