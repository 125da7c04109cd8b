//! What pages of the guide have to name.

use std::format;
use std::vec::Vec;

/// Returns the variants of an enum as its source has them.
fn variants<'s>(source: &'s str, name: &str) -> Vec<&'s str> {
    let (_, body) = source.split_once(&format!("pub enum {name}")).unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    lines
        .filter(|line| line.starts_with(char::is_uppercase))
        .filter_map(|line| line.split([' ', ',', '(']).next())
        .collect()
}

#[test]
fn coming_from_haxe_has_every_event_and_every_reason() {
    let page = include_str!("from_haxe.md");
    let events = variants(include_str!("../link/event.rs"), "Event");
    let reasons = variants(include_str!("../reason.rs"), "Reason");
    assert!(events.contains(&"Opened") && reasons.contains(&"Other"), "{events:?} {reasons:?}");
    for event in events {
        assert!(page.contains(&format!("`{event} {{")), "no event {event}");
    }
    for reason in reasons {
        assert!(page.contains(&format!("`Reason::{reason}")), "no reason {reason}");
    }
}
