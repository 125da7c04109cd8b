//! `peote-interface FILE.rs`: the `#[remote]` traits of a Rust file, and the types that they use,
//! as declarations for `peote-net-rpc.js`. What it writes is JavaScript and TypeScript at the same
//! time.
//!
//! What a trait may have, and what a procedure answers, is decided by the macro's own code.

#[allow(dead_code, reason = "the macro uses more of it")]
#[path = "../../../rpc-macros/src/answer.rs"]
mod answer;
#[allow(dead_code, reason = "the macro uses more of it")]
#[path = "../../../rpc-macros/src/parse.rs"]
mod parse;
mod types;
mod write;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Write the JavaScript or TypeScript for the remote objects of a Rust file.
///
/// All traits with the attribute `remote` in it are written, and the structs and enums that they
/// use, as far as they derive Encode or Decode. The output is valid JavaScript and valid
/// TypeScript.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The Rust file.
    file: PathBuf,
    /// Where to write to; without it, to the standard output.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Where the module is: a package's name, or a folder with peote-net-rpc.js, ending in a slash.
    #[arg(long, default_value = "peote-net")]
    from: String,
    /// The version that a mismatch names, of traits that do not say theirs.
    #[arg(long, default_value = "")]
    interface_version: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("peote-interface: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let Arguments { file, output, from, interface_version } = arguments;
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| named(&error))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let written = write::file(&name, &text, from, interface_version).map_err(|error| named(&error))?;
    match output {
        Some(output) => {
            std::fs::write(output, written).map_err(|error| format!("{}: {error}", output.display()))
        }
        None => {
            print!("{written}");
            Ok(())
        }
    }
}
