//! Makes a page of a program for wasm32: `peote-net-web-pack PROGRAM.wasm PAGE.html FOLDER`.
//! `scripts/web` calls it.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [program, page, folder] = &arguments[..] else {
        eprintln!("usage: peote-net-web-pack PROGRAM.wasm PAGE.html FOLDER");
        return ExitCode::from(2);
    };
    match pack(Path::new(program), Path::new(page), Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peote-net-web-pack: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes `game.js`, `game_bg.wasm` and `index.html`.
fn pack(program: &Path, page: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(program).web(true)?.typescript(false).remove_name_section(true);
    bindgen.remove_producers_section(true).omit_default_module_path(false).out_name("game");
    bindgen.generate(folder).map_err(|error| format!("{}: {error:#}", program.display()))?;
    fs::copy(page, folder.join("index.html")).map_err(|error| format!("{}: {error}", page.display()))?;
    Ok(())
}
