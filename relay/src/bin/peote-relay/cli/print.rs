//! Settings as a configuration file.

use super::Loaded;
use super::problem::Problem;
use super::settings::SETTINGS;

/// Column at which the comments begin that say where values come from; longer lines push theirs
/// out.
const COMMENT_COLUMN: usize = 40;

/// The effective settings as TOML that `--config` reads back.
pub(crate) fn toml(loaded: &Loaded) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!("# Settings of peote-relay {version}, and behind each where it comes from.\n");
    if loaded.notes.iter().any(|note| note.is_warning) {
        text.push_str("#\n# Warnings:\n");
    }
    for note in loaded.notes.iter().filter(|note| note.is_warning) {
        text.push_str(&format!("#   {}\n", note.text));
    }
    let mut group = "";
    for setting in &SETTINGS {
        if setting.group != group {
            group = setting.group;
            text.push_str(&format!("\n# {group}\n"));
        }
        let line = format!("{} = {}", setting.name, setting.show(&loaded.settings));
        // A file name may hold anything, a comment no control characters.
        let origin = Problem::new(loaded.show_origin(setting.name).to_string());
        text.push_str(&format!("{line:COMMENT_COLUMN$} # {origin}\n"));
    }
    text
}
