//! An endpoint to be tried by `peote-conformance endpoint LISTEN`: `rust-link HOST:PORT`.

#[path = "../endpoints/rust_link.rs"]
mod rust_link;

fn main() {
    match std::env::args().nth(1) {
        Some(relay) => rust_link::run(&relay),
        None => eprintln!("usage: rust-link HOST:PORT"),
    }
}
