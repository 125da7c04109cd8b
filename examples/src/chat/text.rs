//! Text from others, made safe to print.

/// The longest message, in characters.
pub const MAX_TEXT: usize = 2_000;

/// A text that can be printed whoever wrote it: one line, without anything that a terminal obeys or
/// that changes the direction of writing, and not too long.
#[must_use]
pub fn clean(text: &str) -> String {
    let safe = |c| if is_unsafe(c) { char::REPLACEMENT_CHARACTER } else { c };
    let mut clean: String = text.chars().take(MAX_TEXT).map(safe).collect();
    if text.chars().nth(MAX_TEXT).is_some() {
        clean.push('…');
    }
    clean
}

/// Control characters, which move the cursor, ring the bell or worse; line separators; marks that
/// turn the direction of writing; other marks of the format that nobody types.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_replaced() {
        assert_eq!(clean("plain text, ünïcödé, 👩‍💻"), "plain text, ünïcödé, 👩‍💻");
        assert_eq!(
            clean("\x1b[31mred\x07\r\nnext\u{202e}"),
            "\u{fffd}[31mred\u{fffd}\u{fffd}\u{fffd}next\u{fffd}"
        );
        assert_eq!(clean("a\u{61c}b\u{206f}c\u{fff9}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
        assert_eq!(clean(&"x".repeat(5_000)).chars().count(), MAX_TEXT + 1);
    }
}
