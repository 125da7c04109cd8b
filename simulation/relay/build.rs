//! Has the relay's source use look-alikes of sockets and clocks.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cfg=simulated");
    println!("cargo:rustc-check-cfg=cfg(simulated)");
    println!("cargo:rustc-check-cfg=cfg(feature, values(\"tls\", \"tokens\", \"cluster\"))");
}
