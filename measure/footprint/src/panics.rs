//! Whose code can panic.
//!
//! An image is linked with its relocations, so every reference to a function is known. Those to the
//! functions of `core::panicking` are taken, and for each the debug information says which
//! functions were inlined there. The innermost one that is not `core`'s own, nor of a crate without
//! a mind of its own (heapless), is the one that can panic. Where the compiler has joined the ends
//! of several functions (line 0), the branches that lead there are asked instead. A function that
//! consists of such code alone is taken for a panic itself, and those that refer to it are looked
//! at in turn.

use std::collections::{BTreeMap, BTreeSet};

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget, SymbolKind};

use crate::Result;
use crate::thumb::{Flow, Instructions};

/// Who can panic, and how often: places in the image by owner.
#[derive(Debug, Default)]
pub(crate) struct Panics(BTreeMap<Owner, BTreeSet<String>>);

/// Whose code it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// The core and the adapter.
    Library,
    Smoltcp,
    /// Other crates: minimq, those of the board.
    Others,
    /// The measured program itself.
    Image,
    /// The debug information does not say.
    Unknown,
}

/// Source files of the library. Macros' code counts where it is used.
const LIBRARY: [&str; 2] = ["/core/src/", "/smoltcp-adapter/src/"];
/// Those of the measured program and its board.
const IMAGE: [&str; 2] = ["/measure/footprint/images/", "/examples/firmware/"];
/// Code that does as its caller says.
const TRANSPARENT: [&str; 6] =
    ["/library/core/src/", "/library/alloc/src/", "/heapless-", "/embedded-io-", "/bitflags-", "/byteorder-"];

impl Owner {
    /// The owner of a source file; `None` if its caller is to blame.
    fn of(file: &str) -> Option<Self> {
        let is_in = |folders: &[&str]| folders.iter().any(|folder| file.contains(folder));
        if is_in(&TRANSPARENT) || file.starts_with("/rustc/") || file.contains("/compiler-builtins") {
            None
        } else if file.contains("/smoltcp-0") || file.contains("/managed-") {
            Some(Self::Smoltcp)
        } else if is_in(&IMAGE) {
            Some(Self::Image)
        } else if is_in(&LIBRARY) {
            Some(Self::Library)
        } else {
            Some(Self::Others)
        }
    }
}

impl Panics {
    /// Places of an owner.
    pub(crate) fn places(&self, owner: Owner) -> impl ExactSizeIterator<Item = &str> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        self.0.get(&owner).unwrap_or(&NONE).iter().map(String::as_str)
    }

    pub(crate) fn of(file: &object::File<'_>) -> Result<Self> {
        let code = Code::of(file)?;
        let mut panics = Self::default();
        let mut targets: BTreeSet<u64> = code.panicking.clone();
        let mut fresh: Vec<u64> = targets.iter().copied().collect();
        while let Some(target) = fresh.pop() {
            for &place in code.references.get(&target).into_iter().flatten() {
                let Some((start, name)) = code.function(place) else {
                    panics.0.entry(Owner::Unknown).or_default().insert(format!("a table at {place:#x}"));
                    continue;
                };
                if code.panicking.contains(&start) {
                    continue;
                }
                for (owner, what) in code.owners(place)? {
                    panics.0.entry(owner).or_default().insert(format!("{what}, in {name} at {place:#x}"));
                }
                // nobody's but its callers'
                if code.is_nobodys(place)? && targets.insert(start) {
                    fresh.push(start);
                }
            }
        }
        Ok(panics)
    }
}

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// Functions, and who refers to them.
struct Code<'a> {
    /// Start, end and name, by start.
    functions: BTreeMap<u64, (u64, String)>,
    /// Places that refer to the function that starts there.
    references: BTreeMap<u64, Vec<u64>>,
    /// Starts of the functions in which every panic ends.
    panicking: BTreeSet<u64>,
    instructions: Instructions,
    debug: Context<Slice<'a>>,
}

/// Whose code a place is.
enum Found {
    /// All of it does as its caller says.
    Nobodys,
    Owned(Owner, String),
    /// The compiler has joined several places.
    Joined,
}

impl<'a> Code<'a> {
    fn of(file: &'a object::File<'a>) -> Result<Self> {
        let functions: BTreeMap<u64, (u64, String)> = file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0)
            .map(|symbol| {
                let start = symbol.address() & !1;
                (start, (start + symbol.size(), symbol.name().unwrap_or("?").to_owned()))
            })
            .collect();
        let panicking = functions
            .iter()
            .filter(|(_, (_, name))| name.contains("panicking"))
            .map(|(start, _)| *start)
            .collect();
        let mut references = BTreeMap::<u64, Vec<u64>>::new();
        let sections =
            [".text", ".rodata", ".data"].into_iter().filter_map(|name| file.section_by_name(name));
        for (place, relocation) in sections.flat_map(|section| section.relocations().collect::<Vec<_>>()) {
            let RelocationTarget::Symbol(symbol) = relocation.target() else { continue };
            let symbol = file.symbol_by_index(symbol).map_err(|error| error.to_string())?;
            references.entry(symbol.address() & !1).or_default().push(place);
        }
        if references.is_empty() {
            return Err("it was linked without --emit-relocs, so nobody knows who can panic".into());
        }
        let load =
            |id: addr2line::gimli::SectionId| -> std::result::Result<Slice<'a>, addr2line::gimli::Error> {
                let data = file
                    .section_by_name(id.name())
                    .and_then(|section| section.data().ok())
                    .unwrap_or_default();
                Ok(EndianSlice::new(data, LittleEndian))
            };
        let debug = Dwarf::load(load).and_then(Context::from_dwarf).map_err(|error| error.to_string())?;
        let instructions = instructions(file)?;
        Ok(Self { functions, references, panicking, instructions, debug })
    }

    /// The function that a place is in.
    fn function(&self, place: u64) -> Option<(u64, &str)> {
        let (start, (end, name)) = self.functions.range(..=place).next_back()?;
        (place < *end).then_some((*start, name))
    }

    /// Those whose code refers to a panic at this place, and where in the source.
    fn owners(&self, place: u64) -> Result<Vec<(Owner, String)>> {
        match self.find(place)? {
            Found::Nobodys => Ok(Vec::new()),
            // a place that several jump to has been joined, whatever line was left to it
            Found::Owned(..) | Found::Joined if self.instructions.jumps_to(place).len() > 1 => {
                self.owners_of_branches(place)
            }
            Found::Owned(owner, what) => Ok(vec![(owner, what)]),
            Found::Joined => self.owners_of_branches(place),
        }
    }

    fn is_nobodys(&self, place: u64) -> Result<bool> {
        Ok(matches!(self.find(place)?, Found::Nobodys))
    }

    /// Those from whose code a place is reached that several have in common.
    fn owners_of_branches(&self, place: u64) -> Result<Vec<(Owner, String)>> {
        let mut owners = Vec::new();
        let mut at = place;
        loop {
            for branch in self.instructions.jumps_to(at) {
                owners.push(self.branch(*branch)?);
            }
            match self.instructions.before(at) {
                // a call of what does not return is an end as well
                Some((before, Flow::On)) if !self.is_reference(before) => at = before,
                Some((before, Flow::Maybe(_))) => {
                    owners.push(self.branch(before)?);
                    break;
                }
                _ => break,
            }
        }
        if owners.is_empty() {
            owners.push((Owner::Unknown, "code that is reached from nowhere".into()));
        }
        Ok(owners)
    }

    /// Whose a branch is. One that was joined itself, or belongs to nobody, is told by the
    /// instructions in front of it, which compute what it asks for.
    fn branch(&self, branch: u64) -> Result<(Owner, String)> {
        let mut at = branch;
        for _ in 0..8 {
            if let Found::Owned(owner, what) = self.find(at)? {
                return Ok((owner, what));
            }
            match self.instructions.before(at) {
                Some((before, Flow::On)) => at = before,
                _ => break,
            }
        }
        self.owner_of_function(branch)
    }

    /// Whose a place is of which only the function is known: the innermost one's, unless something
    /// of the library was inlined anywhere in it.
    fn owner_of_function(&self, place: u64) -> Result<(Owner, String)> {
        let unknown = (Owner::Unknown, format!("a branch at {place:#x} that nobody owns"));
        let Some((start, _)) = self.function(place) else { return Ok(unknown) };
        let end = self.functions.get(&start).map_or(start, |(end, _)| *end);
        for at in (start..end).step_by(2) {
            if self.files(at)?.iter().any(|file| Owner::of(file) == Some(Owner::Library)) {
                return Ok(unknown);
            }
        }
        let owner = self.files(place)?.into_iter().find_map(|file| Some((Owner::of(&file)?, file)));
        Ok(owner.unwrap_or(unknown))
    }

    /// The source files of a place, innermost first.
    fn files(&self, place: u64) -> Result<Vec<String>> {
        let error = |error: addr2line::gimli::Error| error.to_string();
        let mut frames = self.debug.find_frames(place).skip_all_loads().map_err(error)?;
        let mut files = Vec::new();
        while let Some(frame) = frames.next().map_err(error)? {
            files.extend(frame.location.and_then(|location| location.file).map(str::to_owned));
        }
        Ok(files)
    }

    /// Whether a place refers to a function that panics.
    fn is_reference(&self, place: u64) -> bool {
        let calls = |start: &u64| self.references.get(start).is_some_and(|places| places.contains(&place));
        self.references.keys().any(|start| self.never_returns(*start) && calls(start))
    }

    fn never_returns(&self, start: u64) -> bool {
        self.functions.get(&start).is_some_and(|(_, name)| {
            ["panicking", "_fail", "6report6failed", "6report3end"].iter().any(|part| name.contains(part))
        })
    }

    fn find(&self, place: u64) -> Result<Found> {
        let error = |error: addr2line::gimli::Error| error.to_string();
        let mut frames = self.debug.find_frames(place).skip_all_loads().map_err(error)?;
        let mut any = false;
        while let Some(frame) = frames.next().map_err(error)? {
            any = true;
            let location = frame.location.as_ref();
            let Some(file) = location.and_then(|location| location.file) else {
                return Ok(Found::Owned(Owner::Unknown, "code without a source file".into()));
            };
            let line = location.and_then(|location| location.line).unwrap_or(0);
            match Owner::of(file) {
                Some(_) if line == 0 => return Ok(Found::Joined),
                Some(owner) => return Ok(Found::Owned(owner, format!("{file}:{line}"))),
                None => {}
            }
        }
        let unknown = Found::Owned(Owner::Unknown, "code without debug information".into());
        Ok(if any { Found::Nobodys } else { unknown })
    }
}

/// The instructions of a file, without the constants between them, which the symbols `$d` begin and
/// `$t` end.
fn instructions(file: &object::File<'_>) -> Result<Instructions> {
    let text = file.section_by_name(".text").ok_or("there is no code")?;
    let bytes = text.data().map_err(|error| error.to_string())?;
    let end = text.address() + text.size();
    let borders: BTreeMap<u64, bool> = file
        .symbols()
        .filter_map(|symbol| {
            let is_code = match symbol.name() {
                Ok(name) if name.starts_with("$t") => true,
                Ok(name) if name.starts_with("$d") => false,
                _ => return None,
            };
            (text.address()..end).contains(&symbol.address()).then(|| (symbol.address(), is_code))
        })
        .collect();
    let mut instructions = Instructions::default();
    for (start, _) in borders.iter().filter(|(_, is_code)| **is_code) {
        let stop = borders.range(start + 1..).next().map_or(end, |(stop, _)| *stop);
        let offset = |place: u64| usize::try_from(place - text.address()).map_err(|error| error.to_string());
        instructions.add(*start, bytes.get(offset(*start)?..offset(stop)?).unwrap_or_default());
    }
    Ok(instructions)
}
