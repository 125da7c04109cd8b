//! `peote-relay generate`: man pages and completions of shells, for packages.

use std::fs;
use std::path::PathBuf;

use clap::{Command, Parser};
use clap_complete::Shell;

/// Write man pages and completions of bash, zsh and fish into a folder.
#[derive(Debug, Parser)]
#[command(name = "peote-relay generate", bin_name = "peote-relay generate", version)]
pub(crate) struct Generate {
    /// The folder; made if it is not there
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Generate {
    /// Writes them, and returns what is to be printed.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn run(&self, command: Command) -> Result<String, String> {
        let wrong = |error: std::io::Error| format!("{}: {error}", self.folder.display());
        fs::create_dir_all(&self.folder).map_err(wrong)?;
        clap_mangen::generate_to(command.clone(), &self.folder).map_err(wrong)?;
        let mut command = command;
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            clap_complete::generate_to(shell, &mut command, "peote-relay", &self.folder).map_err(wrong)?;
        }
        Ok(String::new())
    }
}
