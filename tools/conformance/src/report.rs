//! What came out of it.

use std::fmt;
use std::time::Duration;

use crate::case::Case;
use crate::log::Line;

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As the specification says.
    Passed,
    /// Not so; the text says what was expected.
    Failed(String),
    /// It was not tried; the text says why.
    Skipped(String),
}

/// A case that was run.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Which.
    pub case: Case,
    /// How it ended.
    pub outcome: Outcome,
    /// The bytes that were exchanged.
    pub lines: Vec<Line>,
    /// How long it took.
    pub took: Duration,
}

/// All cases that were run, in their order.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The cases.
    pub tried: Vec<Tried>,
    /// Whether the text has the bytes of cases that passed, too.
    pub all_bytes: bool,
}

impl Report {
    /// Returns how many passed, failed and were skipped.
    #[must_use]
    pub fn counts(&self) -> [usize; 3] {
        let count = |is: fn(&Outcome) -> bool| self.tried.iter().filter(|tried| is(&tried.outcome)).count();
        [
            count(|outcome| *outcome == Outcome::Passed),
            count(|outcome| matches!(outcome, Outcome::Failed(_))),
            count(|outcome| matches!(outcome, Outcome::Skipped(_))),
        ]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tried.iter().try_for_each(|tried| tried.write(f, self.all_bytes))?;
        let [passed, failed, skipped] = self.counts();
        writeln!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

impl Tried {
    fn write(&self, f: &mut fmt::Formatter<'_>, all_bytes: bool) -> fmt::Result {
        let Case { name, title, .. } = self.case;
        let (word, why) = match &self.outcome {
            Outcome::Passed => ("ok  ", None),
            Outcome::Failed(why) => ("FAIL", Some(why)),
            Outcome::Skipped(why) => ("skip", Some(why)),
        };
        writeln!(f, "{word} {:<9} {name}: {title}", self.case.group())?;
        if let Some(why) = why {
            writeln!(f, "     {why}")?;
        }
        if all_bytes || matches!(self.outcome, Outcome::Failed(_)) {
            self.lines.iter().try_for_each(|line| writeln!(f, "     {line}"))?;
        }
        Ok(())
    }
}
