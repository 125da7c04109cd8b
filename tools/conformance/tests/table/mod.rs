//! The tables of docs/CONFORMANCE.md.

use std::collections::BTreeMap;

use peote_conformance::{Case, Outcome, Report, Subject, cases};

/// The heading in front of a subject's table.
fn heading(subject: Subject) -> &'static str {
    match subject {
        Subject::Relay => "## Cases for relays",
        Subject::Endpoint => "## Cases for endpoints",
    }
}

/// The table's rows: their cells by the column's heading.
fn rows(subject: Subject) -> Vec<BTreeMap<String, String>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CONFORMANCE.md");
    let text = std::fs::read_to_string(file).unwrap();
    let text = text.split_once(heading(subject)).expect("the heading is there").1;
    let lines = text.lines().skip_while(|line| !line.starts_with('|'));
    let mut lines = lines.take_while(|line| line.starts_with('|')).map(cells);
    let columns = lines.next().unwrap();
    let rows = lines.skip(1).map(|cells| columns.iter().cloned().zip(cells).collect());
    rows.collect()
}

fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_string()).collect()
}

/// The table has each case once, in order, with its group and title. Returns the rows.
fn complete(subject: Subject) -> Vec<BTreeMap<String, String>> {
    let rows = rows(subject);
    let text = |case: &Case| format!("{} | {} | {}", case.name, case.group(), case.title);
    let wanted: Vec<String> = cases(subject).iter().map(text).collect();
    let there: Vec<String> = rows
        .iter()
        .map(|row| format!("{} | {} | {}", row["case"], row["group"], row["what is tried"]))
        .collect();
    for (wanted, there) in wanted.iter().zip(&there) {
        assert_eq!(wanted, there, "in docs/CONFORMANCE.md");
    }
    assert_eq!(wanted.len(), there.len(), "rows in docs/CONFORMANCE.md");
    rows
}

/// Fails unless the report is what this column says.
#[track_caller]
pub(crate) fn compare(subject: Subject, column: &str, report: &Report) {
    let rows = complete(subject);
    assert_eq!(report.tried.len(), rows.len());
    let word = |outcome: &Outcome| match outcome {
        Outcome::Passed => "passes",
        Outcome::Failed(_) => "fails",
        Outcome::Skipped(_) => "not tried",
    };
    let differs = |(tried, row): (&peote_conformance::Tried, &BTreeMap<String, String>)| {
        let (is, wanted) = (word(&tried.outcome), &row[column]);
        (is != wanted).then(|| format!("{} {is}, docs/CONFORMANCE.md says: {wanted}", tried.case.name))
    };
    let differences: Vec<String> = report.tried.iter().zip(&rows).filter_map(differs).collect();
    assert!(differences.is_empty(), "{report}\n{}", differences.join("\n"));
}
