//! What is measured, as the document has it.

use std::fmt::Write as _;

use crate::aims;
use crate::image::Measured;
use crate::machine::{Instructions, SERIAL};
use crate::panics::Owner;

/// What an image is called in the tables.
fn title(name: &str) -> &str {
    match name {
        "smoltcp" => "smoltcp alone",
        "client" => "a client",
        "client-server" => "a client and a server",
        "returning" => "a client that comes back",
        "client-flow" => "a client that takes part (`flow`)",
        "everything" => "everything",
        SERIAL => "a sensor over a serial port, without smoltcp",
        _ => "minimq 0.13.5 in place of a client",
    }
}

/// The images, the one without smoltcp before all others.
fn serial_first(images: &[Measured]) -> impl Iterator<Item = &Measured> {
    let is_serial = |image: &&Measured| image.name == SERIAL;
    images.iter().filter(is_serial).chain(images.iter().filter(move |image| !is_serial(image)))
}

/// All tables.
pub(crate) fn render(compiler: &str, qemu: &str, images: &[Measured], instructions: &Instructions) -> String {
    let mut text = String::new();
    let Some(alone) = images.first() else { return text };
    // a string takes everything
    let _ = write(&mut text, compiler, qemu, images, alone, instructions);
    text
}

fn write(
    text: &mut String,
    compiler: &str,
    qemu: &str,
    images: &[Measured],
    alone: &Measured,
    instructions: &Instructions,
) -> std::fmt::Result {
    writeln!(text, "{}{compiler}, in QEMU {qemu}.\n", super::document::COMPILER)?;
    writeln!(
        text,
        "| bytes | flash | over smoltcp | static RAM | over smoltcp | of that buffers | stack at start | stack at work | over smoltcp |"
    )?;
    writeln!(text, "|---|--:|--:|--:|--:|--:|--:|--:|--:|")?;
    for image in serial_first(images) {
        let over = |image: u64, alone: u64| image.cast_signed() - alone.cast_signed();
        write!(text, "| {} | {} ", title(image.name), image.flash)?;
        if image.name == SERIAL {
            write!(text, "| | {} | | {} ", image.ram, image.buffers)?;
            writeln!(text, "| {} | {} | |", image.start, image.stack)?;
        } else if image.name == alone.name {
            writeln!(text, "| | {} | | | {} | {} | |", image.ram, image.start, image.stack)?;
        } else {
            let (flash, ram) = (over(image.flash, alone.flash), over(image.ram, alone.ram));
            write!(text, "| {flash} | {} | {ram} | {} | {} ", image.ram, image.buffers, image.start)?;
            writeln!(text, "| {} | {} |", image.stack, over(image.stack, alone.stack))?;
        }
    }
    writeln!(text, "\n| aim, over smoltcp | at most | measured | met |\n|---|--:|--:|---|")?;
    for aim in aims::all(images) {
        let met = if aim.is_met() { "yes" } else { "**no**" };
        writeln!(text, "| {} | {} | {} | {met} |", aim.what, aim.limit, aim.measured)?;
    }
    writeln!(
        text,
        "\n| places that can panic | core and adapter | smoltcp | the program and its board | other crates |"
    )?;
    writeln!(text, "|---|--:|--:|--:|--:|")?;
    for image in serial_first(images) {
        let places = |owner| image.panics.places(owner).len();
        // what is not known is counted where it must not be
        let library = places(Owner::Library) + places(Owner::Unknown);
        let rest = (places(Owner::Smoltcp), places(Owner::Image), places(Owner::Others));
        writeln!(text, "| {} | {library} | {} | {} | {} |", title(image.name), rest.0, rest.1, rest.2)?;
    }
    writeln!(text, "\n| instructions for each chunk of 64 bytes | alone | seven together |\n|---|--:|--:|")?;
    let Instructions { idle, received_alone, received_together, sent_alone, sent_together, longest } =
        instructions;
    writeln!(text, "| received | {received_alone:.0} | {received_together:.0} |")?;
    writeln!(text, "| sent | {sent_alone:.0} | {sent_together:.0} |")?;
    writeln!(text, "| a poll without anything to do | {idle:.0} | |")?;
    writeln!(text, "\n| the longest poll: 512 bytes of | instructions |\n|---|--:|")?;
    longest.iter().try_for_each(|(what, count)| writeln!(text, "| {what} | {count:.0} |"))
}
