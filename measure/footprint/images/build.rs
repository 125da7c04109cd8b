//! Tells the linker where the board's memory is, which script to use, and to keep the relocations,
//! which say who refers to what.

use std::env;
use std::path::PathBuf;

fn main() {
    let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let board = folder.join("../../../examples/firmware/lm3s6965evb");
    println!("cargo::rerun-if-changed={}", board.join("memory.x").display());
    println!("cargo::rustc-link-arg-bins=-L{}", board.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rustc-link-arg-bins=--emit-relocs");
}
