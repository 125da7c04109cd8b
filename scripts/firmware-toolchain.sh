# The toolchain for microcontrollers (Cortex-M3, thumbv7m-none-eabi), to be sourced by scripts that
# build for them.
#
#   toolchain_for_firmware FOLDER   chooses one, and gets it if it has to; its logs go into FOLDER. Fails with a message that
#                                   says what to install if there is none.
#
#   qemu_for_firmware FOLDER        the same for QEMU.
#
# Afterwards `target` is the target, `toolchain` the toolchain's name ("rustup" or "debian"), and
# `build` an array, the command `cargo build` for the target with a folder of its own below FOLDER;
# the caller appends what to build.
#
# That of rustup is taken, if it has the target or can get it; else the one that Debian packages
# (with the source of `core`, which is then compiled here).

target=thumbv7m-none-eabi
debian_packages=(rustc-web cargo-web rust-web-src lld)

rustup_has_target() {
    rustup target list --installed 2>/dev/null | grep -x "$target" >/dev/null
}

# Quietly and with a time limit: on a machine without a network this fails, and the next toolchain
# is tried.
rustup_gets_target() {
    echo "asking rustup for the target $target"
    RUSTUP_MAX_RETRIES=0 timeout 120 rustup target add "$target" >"$1/rustup.log" 2>&1 && rustup_has_target
}

debian_is_complete() {
    [[ -x /usr/bin/rustc && -x /usr/bin/cargo ]] &&
        [[ -d $(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/core ]] &&
        command -v ld.lld >/dev/null
}

# install_debian_packages LOG PACKAGE...: with apt-get, where that is allowed without asking.
install_debian_packages() {
    local log=$1 as_root=()
    shift
    command -v apt-get >/dev/null || return 1
    if [[ $(id -u) != 0 ]]; then
        sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n)
    fi
    echo "installing $*"
    # The package lists may be missing (container images) or old, so a second try refreshes them.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 ||
        { "${as_root[@]}" apt-get update && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y --no-install-recommends "$@"; } >>"$log" 2>&1 ||
        { tail -n 5 "$log" >&2; return 1; }
}

debian_gets_complete() {
    install_debian_packages "$1/apt.log" "${debian_packages[@]}" && debian_is_complete
}

toolchain_for_firmware() {
    local logs=$1
    if command -v rustup >/dev/null && { rustup_has_target || rustup_gets_target "$logs"; }; then
        toolchain=rustup
        build=(cargo build)
    elif debian_is_complete || debian_gets_complete "$logs"; then
        toolchain=debian
        # Only `core` is built, so that a use of `alloc` or `std` anywhere is an error.
        build=(env RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER=ld.lld
            /usr/bin/cargo build -Zbuild-std=core)
    else
        echo "There is no toolchain for $target. Either let rustup fetch it (rustup target add $target), or install" \
            "Debian's: apt-get install --no-install-recommends ${debian_packages[*]}" >&2
        return 1
    fi
    # Each toolchain has a directory of its own: they would throw away each other's results.
    build+=(--locked --release --target "$target" --target-dir "$logs/$toolchain")
    echo "toolchain: $toolchain, $("$([[ $toolchain == debian ]] && echo /usr/bin/rustc || echo rustc)" --version)"
}

qemu_for_firmware() {
    command -v qemu-system-arm >/dev/null && return
    install_debian_packages "$1/apt-qemu.log" qemu-system-arm && command -v qemu-system-arm >/dev/null && return
    echo "qemu-system-arm is missing: apt-get install --no-install-recommends qemu-system-arm" >&2
    return 1
}
