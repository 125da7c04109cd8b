//! Measures the images of `measure/footprint/images`: sizes, stack, instructions, and who can
//! panic. `scripts/footprint` builds them and calls this program.
//!
//! ```text
//! footprint FOLDER DOCUMENT COMPILER [--update]
//! footprint pipe ADDRESS
//! ```
//!
//! - `FOLDER` has the images; `DOCUMENT` (docs/FOOTPRINT.md) has the tables, which are compared
//!   with what is measured, or written with `--update`; `COMPILER` is what built the images, for
//!   the document.
//! - `pipe` connects QEMU to the peer of an image: standard input and output are the bytes of a
//!   connection to `ADDRESS`.

mod aims;
mod document;
mod image;
mod job;
mod machine;
mod mqtt;
mod panics;
mod peers;
mod pipe;
mod tables;
mod thumb;

use std::path::Path;
use std::process::ExitCode;

/// What can go wrong is told to the person at the terminal, and nobody else.
type Result<T = ()> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["pipe", address] => pipe::run(address),
        [folder, document, compiler] => measure(folder, document, compiler, false),
        [folder, document, compiler, "--update"] => measure(folder, document, compiler, true),
        _ => Err("usage: footprint FOLDER DOCUMENT COMPILER [--update]; see scripts/footprint".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("footprint: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(folder: &str, document: &str, compiler: &str, update: bool) -> Result {
    let folder = Path::new(folder);
    let images =
        image::NAMES.iter().map(|name| image::Measured::of(folder, name)).collect::<Result<Vec<_>>>()?;
    let instructions = machine::instructions(folder)?;
    let text = tables::render(compiler, &machine::version()?, &images, &instructions);
    println!("{text}");
    println!(
        "Places that can panic, of others than the library, smoltcp and minimq:\n{}\n",
        image::panics_of_others(&images).join("\n")
    );
    let mine = image::panics_of_the_library(&images);
    if !mine.is_empty() {
        return Err(format!("the library can panic:\n{}", mine.join("\n")));
    }
    if update {
        document::write(Path::new(document), &text)
    } else {
        document::compare(Path::new(document), &text)
    }
}
