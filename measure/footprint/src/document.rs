//! The document with the tables: written, or compared with what is measured.

use std::path::Path;

use crate::Result;

const BEGIN: &str = "<!-- measured by scripts/footprint: begin -->\n";
const END: &str = "<!-- measured by scripts/footprint: end -->";
/// The line that says what the images were built with.
pub(crate) const COMPILER: &str = "Built with ";

/// By how much a figure may differ: this part of it, or so many of what it counts.
const PART: f64 = 0.02;
const LEAST: f64 = 16.0;
/// Bytes of stack: which frames and chunks come together is chance.
const LEAST_OF_STACK: f64 = 64.0;
/// Another compiler makes other code, which may be smaller, and not larger by more than this.
const PART_OF_OTHERS: f64 = 0.25;
const LEAST_OF_OTHERS: f64 = 256.0;

fn read(path: &Path) -> Result<(String, usize, usize)> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let begin = text.find(BEGIN).map(|begin| begin + BEGIN.len());
    let end = text.find(END);
    match (begin, end) {
        (Some(begin), Some(end)) if begin <= end => Ok((text, begin, end)),
        _ => Err(format!("{} lacks the lines `{}` and `{END}`", path.display(), BEGIN.trim())),
    }
}

/// Puts the tables into the document.
pub(crate) fn write(path: &Path, tables: &str) -> Result {
    let (text, begin, end) = read(path)?;
    let (before, after) = (text.get(..begin).unwrap_or_default(), text.get(end..).unwrap_or_default());
    std::fs::write(path, format!("{before}\n{tables}\n{after}"))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    println!("written to {}", path.display());
    Ok(())
}

/// Compares the tables with the document's.
pub(crate) fn compare(path: &Path, tables: &str) -> Result {
    let (text, begin, end) = read(path)?;
    let documented = text.get(begin..end).unwrap_or_default();
    let same = compiler(documented) == compiler(tables);
    if !same {
        println!(
            "The document's figures are of another compiler or QEMU ({}), so they are held against these less strictly.",
            compiler(documented)
        );
    }
    let differences = differences(documented, tables, same);
    if differences.is_empty() {
        println!("{} says the same.", path.display());
        return Ok(());
    }
    Err(format!(
        "{} says something else:\n{}\nIf this is meant to be, write it down: scripts/footprint --update",
        path.display(),
        differences.join("\n")
    ))
}

fn compiler(tables: &str) -> &str {
    tables.lines().find_map(|line| line.strip_prefix(COMPILER)).unwrap_or("none")
}

/// A line's cells.
fn rows(tables: &str) -> Vec<Vec<&str>> {
    let lines = tables.lines().filter(|line| !line.trim().is_empty() && !line.starts_with(COMPILER));
    lines.map(|line| line.split('|').map(str::trim).collect()).collect()
}

fn differences(documented: &str, measured: &str, same_compiler: bool) -> Vec<String> {
    let (part, least) = if same_compiler { (PART, LEAST) } else { (PART_OF_OTHERS, LEAST_OF_OTHERS) };
    let (documented, measured) = (rows(documented), rows(measured));
    if documented.len() != measured.len() {
        return vec![format!("  {} lines in place of {}", documented.len(), measured.len())];
    }
    let mut differences = Vec::new();
    let mut head: &[&str] = &[];
    for (row, (theirs, ours)) in documented.iter().zip(&measured).enumerate() {
        if measured.get(row + 1).is_some_and(|next| next.iter().any(|cell| cell.starts_with("--"))) {
            head = ours;
        }
        // a column, or the row, says what it is about
        let least = |column: usize| {
            let stack = |cell: Option<&&str>| cell.is_some_and(|cell| cell.contains("stack"));
            let before = column.checked_sub(1).and_then(|before| head.get(before));
            let is_stack = stack(head.get(column)) || stack(before) || stack(ours.get(1));
            if is_stack { LEAST_OF_STACK.max(least) } else { least }
        };
        let is_close = |(column, (theirs, ours)): (usize, (&&str, &&str))| {
            match (theirs.parse::<f64>(), ours.parse::<f64>()) {
                // no panic is not nearly one
                (Ok(theirs), Ok(ours)) if theirs == 0.0 || ours == 0.0 => theirs == ours,
                (Ok(theirs), Ok(ours)) => {
                    let more = if same_compiler { (ours - theirs).abs() } else { ours - theirs };
                    more <= (theirs.abs() * part).max(least(column))
                }
                _ => theirs == ours,
            }
        };
        // another compiler may miss an aim; that is told by the figures
        let verdict = if same_compiler { ours.len() } else { ours.len().saturating_sub(2) };
        let cells = theirs.iter().zip(ours).enumerate().take(if is_aim(ours) { verdict } else { ours.len() });
        if theirs.len() != ours.len() || !cells.into_iter().all(is_close) {
            differences.push(format!(
                "  documented: {}\n  measured:   {}",
                theirs.join(" | "),
                ours.join(" | ")
            ));
        }
    }
    differences
}

fn is_aim(cells: &[&str]) -> bool {
    cells.iter().any(|cell| matches!(*cell, "yes" | "**no**"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "Built with one, in QEMU 1.\n\n| image | flash |\n|---|--:|\n| x | 10000 |\n| a | 4096 | 900 | yes |\n| panics | 0 |\n";

    #[test]
    fn the_same_is_the_same() {
        assert_eq!(differences(TABLES, TABLES, true), Vec::<String>::new());
    }

    #[test]
    fn two_percent_are_close_and_more_is_not() {
        assert_eq!(differences(TABLES, &TABLES.replace("10000", "10199"), true), Vec::<String>::new());
        assert_eq!(differences(TABLES, &TABLES.replace("10000", "10201"), true).len(), 1);
        assert_eq!(differences(TABLES, &TABLES.replace("10000", "9799"), true).len(), 1);
        assert_eq!(differences(TABLES, &TABLES.replace("10000", "12499"), false), Vec::<String>::new());
        assert_eq!(differences(TABLES, &TABLES.replace("10000", "6000"), false), Vec::<String>::new());
        assert_eq!(differences(TABLES, &TABLES.replace("10000", "12501"), false).len(), 1);
    }

    #[test]
    fn words_and_verdicts_count() {
        assert_eq!(differences(TABLES, &TABLES.replace("| x |", "| y |"), true).len(), 1);
        assert_eq!(differences(TABLES, &TABLES.replace("yes", "**no**"), true).len(), 1);
        assert_eq!(differences(TABLES, &TABLES.replace("yes", "**no**"), false), Vec::<String>::new());
        assert_eq!(differences(TABLES, &format!("{TABLES}| more |\n"), true).len(), 1);
    }

    #[test]
    fn the_stack_differs_from_run_to_run() {
        let tables = "| bytes | flash | stack | over smoltcp |\n|---|--:|--:|--:|\n| x | 1000 | 1000 | 1000 |\n\n| aim | measured |\n|---|--:|\n| stack | 300 |\n| flash | 300 |\n";
        let with = |from: &str, to: &str| differences(tables, &tables.replace(from, to), true).len();
        assert_eq!(with("| x | 1000 | 1000 | 1000 |", "| x | 1000 | 1064 | 936 |"), 0);
        assert_eq!(with("| x | 1000 |", "| x | 1100 |"), 1);
        assert_eq!(with("1000 | 1000 |\n", "1000 | 1065 |\n"), 1);
        assert_eq!((with("stack | 300", "stack | 364"), with("flash | 300", "flash | 364")), (0, 1));
    }

    #[test]
    fn a_panic_where_there_was_none_is_a_difference() {
        assert_eq!(differences(TABLES, &TABLES.replace("| 0 |", "| 1 |"), false).len(), 1);
    }
}
