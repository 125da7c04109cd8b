//! What is measured of one image.

use std::path::Path;

use object::{Object as _, ObjectSection as _};

use crate::Result;
use crate::machine::{self, SERIAL};
use crate::panics::{Owner, Panics};

/// The images, in the order of the tables; the first one is what the others are compared with.
pub(crate) const NAMES: [&str; 8] =
    ["smoltcp", "client", "client-server", "returning", "client-flow", "everything", "minimq", SERIAL];

/// So often an image does its job; the greatest use of the stack counts.
const RUNS: usize = 2;

/// The figures of one image, in bytes.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    /// `.text` and `.rodata`.
    pub(crate) flash: u64,
    /// `.data` and `.bss`.
    pub(crate) ram: u64,
    /// What of the RAM are buffers of documented size, beyond those of smoltcp.
    pub(crate) buffers: u64,
    /// As much of the stack as was used at work.
    pub(crate) stack: u64,
    /// As much of it as was used before, for setting up smoltcp.
    pub(crate) start: u64,
    pub(crate) panics: Panics,
}

impl Measured {
    /// Measures an image, and has it do its job.
    pub(crate) fn of(folder: &Path, name: &&'static str) -> Result<Self> {
        let path = folder.join(name);
        let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file = object::File::parse(&*bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        let size = |section: &str| file.section_by_name(section).map_or(0, |section| section.size());
        // what comes together is chance, so it gets more than one
        let runs = (0..RUNS).map(|_| machine::job(&path, machine::peer(name))).collect::<Result<Vec<_>>>()?;
        let greatest = |figure| {
            let figures = runs.iter().map(|run| run.figure(figure)).collect::<Result<Vec<_>>>()?;
            Ok::<_, String>(figures.into_iter().max().unwrap_or(0))
        };
        let image = Self {
            name,
            flash: size(".text") + size(".rodata"),
            ram: size(".data") + size(".bss"),
            buffers: greatest("buffers")?,
            stack: greatest("stack")?,
            start: greatest("start")?,
            panics: Panics::of(&file).map_err(|error| format!("{}: {error}", path.display()))?,
        };
        if image.flash == 0 || image.stack == 0 {
            return Err(format!("{}: there is nothing in it", path.display()));
        }
        Ok(image)
    }
}

/// Places of the library that can panic, which must not be: one line for each.
pub(crate) fn panics_of_the_library(images: &[Measured]) -> Vec<String> {
    lines(images, &[Owner::Library, Owner::Unknown])
}

/// Those of the measured programs, of their board, and of other crates.
pub(crate) fn panics_of_others(images: &[Measured]) -> Vec<String> {
    lines(images, &[Owner::Image, Owner::Others])
}

fn lines(images: &[Measured], owners: &[Owner]) -> Vec<String> {
    let mut lines = Vec::new();
    for image in images.iter().filter(|image| image.name != "minimq") {
        for place in owners.iter().flat_map(|owner| image.panics.places(*owner)) {
            lines.push(format!("  {}: {place}", image.name));
        }
    }
    lines
}
