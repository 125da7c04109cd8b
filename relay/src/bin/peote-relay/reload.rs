//! Reading the configuration again while the relay runs.

use peote_relay::{Config, Relay};
use tracing::{error, info, warn};

use crate::cli::{self, Loaded, Options};
use crate::logging::Logging;
use crate::open_files;

/// Settings of the program that only a start looks at.
const FIXED: [&str; 3] = ["log-format", "control-socket", "ban-file"];

/// Reads the configuration again and has the relay go on with it. If anything is wrong with it, all
/// of that is logged, and everything stays as it is.
pub(crate) fn reload(relay: &mut Relay, logging: &Logging, options: &Options, loaded: &mut Loaded) {
    let new = match cli::load(options, &loaded.handed_over, loaded.names.clone()) {
        Ok(new) => new,
        Err(problems) => {
            problems.iter().for_each(|problem| error!("{problem}"));
            return error!("the configuration is wrong: the settings stay as they were");
        }
    };
    new.log_notes();
    let kept = match relay.reconfigure(with_room(&new.settings.relay)) {
        Ok(kept) => kept,
        Err(problem) => {
            return error!("{problem}: all settings, certificate and key stay as they were");
        }
    };
    if let Err(problem) = logging.set_level(new.settings.log_level) {
        error!("the log level stays as it was: {problem}");
    }
    logging.set_bytes_per_day(new.settings.log_bytes_per_day);
    let mut changes = 0;
    for (name, now, before) in new.changes(loaded) {
        changes += 1;
        if name == "log-level" && logging.is_fixed() {
            warn!("{name} = {now} has no effect: RUST_LOG says what is logged");
        } else if FIXED.contains(&name) || kept.iter().any(|field| field.replace('_', "-") == name) {
            warn!("{name} = {now} takes effect at the next start; until then it is {before}");
        } else {
            info!("{name} = {now}, before {before}");
        }
    }
    info!(changes, "configuration read again");
    // what takes effect later is named each time
    let old = std::mem::replace(loaded, new).settings;
    loaded.settings.log_format = old.log_format;
    loaded.settings.control_socket = old.control_socket;
    loaded.settings.ban_file = old.ban_file;
    let wanted = loaded.settings.relay.max_connections;
    loaded.settings.relay = Config { max_connections: wanted, ..relay.config().clone() };
}

/// A configuration with no more connections than there is room for.
pub(crate) fn with_room(config: &Config) -> Config {
    Config { max_connections: open_files::prepare(config.max_connections), ..config.clone() }
}
