//! Files depend one way: none of them takes something from another that takes something from it,
//! directly or by way of others. In the core that holds for all files. In the other packages a
//! module below another one may take from that what it likes.
//!
//! A file takes what it names in a `use` or by a path. Where a `mod.rs` only hands a name on, the
//! file counts that defines it. Methods are not looked at: `Out` has them in many files. Nor are
//! tests. Nothing in the core depends on what it is compiled for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;
use syn::{Attribute, Expr, ExprLit, Item, ItemMod, ItemUse, Lit, Macro, Meta, UseTree, Visibility};

type Names = Vec<String>;

/// One file of a package.
#[derive(Default)]
struct File {
    path: PathBuf,
    /// The files that it is below. Where a feature chooses between two, it is below one of them.
    above: Vec<usize>,
    /// What it defines.
    defined: BTreeSet<String>,
    /// Names that it has from elsewhere, with the module that each `use` stands in.
    used: BTreeMap<String, (Names, Names)>,
    /// What it names, with the module that it stands in.
    named: Vec<(Names, Names)>,
}

/// All files of a package, without its tests.
#[derive(Default)]
struct Package {
    files: Vec<File>,
    /// Files of each module: more than one where a feature chooses.
    modules: BTreeMap<Names, Vec<usize>>,
}

impl Package {
    /// `root` is its lib.rs or main.rs.
    fn read(root: &Path) -> Self {
        let mut package = Self::default();
        package.read_module(root, root.parent().unwrap(), &[], &[]);
        package
    }

    /// Reads a file, and those of the modules below it. `folder` is where those are.
    fn read_module(&mut self, path: &Path, folder: &Path, module: &[String], above: &[usize]) {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut reader = Reader {
            file: File { path: path.to_path_buf(), above: above.to_vec(), ..File::default() },
            module: module.to_vec(),
            below: Vec::new(),
        };
        reader.visit_file(&syntax);
        let above = [above, &[self.files.len()]].concat();
        self.modules.entry(module.to_vec()).or_default().push(self.files.len());
        self.files.push(reader.file);
        for (name, other) in reader.below {
            let module = [module, std::slice::from_ref(&name)].concat();
            let (file, inside) = (folder.join(format!("{name}.rs")), folder.join(&name));
            if file.is_file() {
                self.read_module(&file, &inside, &module, &above);
            } else if other.is_none() || inside.is_dir() {
                self.read_module(&inside.join("mod.rs"), &inside, &module, &above);
            }
            if let Some(other) = other {
                let file = folder.join(other);
                self.read_module(&file, file.parent().unwrap(), &module, &above);
            }
        }
    }

    /// Returns the files that define what a path in `file` names, which stands in a module of it,
    /// each with the name. `deep` is how often the name was handed on.
    fn defined_by(
        &self,
        file: usize,
        module: &[String],
        path: &[String],
        deep: usize,
    ) -> BTreeSet<(usize, String)> {
        let Some((mut at, mut rest)) = self.first_module(module, path) else { return BTreeSet::new() };
        while let Some((name, behind)) = rest.split_first() {
            let below = [&at[..], std::slice::from_ref(name)].concat();
            if !self.modules.contains_key(&below) {
                break;
            }
            (at, rest) = (below, behind);
        }
        let Some(name) = rest.first() else { return BTreeSet::new() };
        // a module in braces is part of its file
        while !self.modules.contains_key(&at) {
            at.pop();
        }
        let mut found = BTreeSet::new();
        let files = &self.modules[&at];
        let is_above = |other: &&usize| **other == file || self.files[file].above.contains(other);
        let only = files.iter().find(is_above).map(std::slice::from_ref);
        for file in only.unwrap_or(files).iter().copied() {
            // what paths go through is a module, and not a function of that name
            let is_module = rest.len() > 1 && self.files[file].used.contains_key(name);
            if self.files[file].defined.contains(name) && !is_module {
                found.insert((file, name.clone()));
            } else if let Some((module, path)) = self.files[file].used.get(name)
                && path[..] != *rest
            {
                let whole = [&path[..], &rest[1..]].concat();
                // a name that two files hand to each other is defined by neither
                if deep < 10 {
                    found.extend(self.defined_by(file, module, &whole, deep + 1));
                }
            }
        }
        found
    }

    /// Returns the module that a path begins with, and what follows; `None` if it is of another
    /// package, or a name of the file itself.
    fn first_module<'a>(&self, module: &[String], path: &'a [String]) -> Option<(Names, &'a [String])> {
        let (mut at, mut rest) = (module.to_vec(), path);
        match path.first()?.as_str() {
            "crate" => (at, rest) = (Vec::new(), &path[1..]),
            "self" | "super" => {
                while let Some(word @ ("self" | "super")) = rest.first().map(String::as_str) {
                    if word == "super" {
                        at.pop();
                    }
                    rest = &rest[1..];
                }
            }
            _ => {
                let below = [&at[..], &path[..1]].concat();
                let in_file = self.modules.get(module).into_iter().flatten();
                let is_used = in_file.clone().any(|file| self.files[*file].used.contains_key(&path[0]));
                if !self.modules.contains_key(&below) && !is_used {
                    return None;
                }
            }
        }
        Some((at, rest))
    }

    /// Returns which files each file takes something from, and what. Unless `is_strict`, what it
    /// takes from one that it is below does not count.
    fn arrows(&self, is_strict: bool) -> Vec<BTreeMap<usize, BTreeSet<String>>> {
        let mut arrows = vec![BTreeMap::<usize, BTreeSet<String>>::new(); self.files.len()];
        for (at, file) in self.files.iter().enumerate() {
            for (module, path) in &file.named {
                for (other, name) in self.defined_by(at, module, path, 0) {
                    if other != at && (is_strict || !file.above.contains(&other)) {
                        arrows[at].entry(other).or_default().insert(name);
                    }
                }
            }
        }
        arrows
    }

    /// Returns the circles, each as the arrows in it.
    fn circles(&self, is_strict: bool) -> Vec<Vec<String>> {
        let arrows = self.arrows(is_strict);
        let reached: Vec<BTreeSet<usize>> = (0..arrows.len()).map(|from| reached(&arrows, from)).collect();
        let mut seen = BTreeSet::new();
        let mut circles = Vec::new();
        for file in 0..arrows.len() {
            let members: Vec<usize> =
                reached[file].iter().copied().filter(|other| reached[*other].contains(&file)).collect();
            if members.is_empty() || !seen.insert(members.clone()) {
                continue;
            }
            let mut circle = Vec::new();
            for from in &members {
                for (to, names) in arrows[*from].iter().filter(|(to, _)| members.contains(to)) {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    let (from, to) = (self.files[*from].path.display(), self.files[*to].path.display());
                    circle.push(format!("{from} -> {to}: {}", names.join(", ")));
                }
            }
            circles.push(circle);
        }
        circles
    }
}

/// Returns all files that one takes something from, directly or by way of others.
fn reached(arrows: &[BTreeMap<usize, BTreeSet<String>>], from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut left = vec![from];
    while let Some(next) = left.pop() {
        left.extend(arrows[next].keys().copied().filter(|to| found.insert(*to)));
    }
    found
}

/// Finds out what one file defines and names.
struct Reader {
    file: File,
    /// The module that what is being read stands in.
    module: Names,
    /// Modules in files of their own, with the other file that a feature chooses.
    below: Vec<(String, Option<String>)>,
}

impl Reader {
    fn name(&mut self, path: Names) {
        self.file.named.push((self.module.clone(), path));
    }

    fn use_tree(&mut self, tree: &UseTree, before: &[String], hands_on: bool) {
        match tree {
            UseTree::Path(path) => {
                let before = [before, &[path.ident.to_string()]].concat();
                self.use_tree(&path.tree, &before, hands_on);
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.use_tree(tree, before, hands_on));
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                let whole = if name == "self" { before.to_vec() } else { [before, &[name]].concat() };
                self.used_as(whole.last().unwrap().clone(), whole, hands_on);
            }
            UseTree::Rename(rename) => {
                let whole = [before, &[rename.ident.to_string()]].concat();
                self.used_as(rename.rename.to_string(), whole, hands_on);
            }
            UseTree::Glob(_) => {
                let is_own =
                    before.first().is_none_or(|first| ["crate", "self", "super"].contains(&first.as_str()));
                assert!(!is_own, "{}: a `use` of all names", self.file.path.display());
            }
        }
    }

    /// A `use` of a path. One that only hands a name on takes nothing.
    fn used_as(&mut self, name: String, path: Names, hands_on: bool) {
        self.file.used.insert(name, (self.module.clone(), path.clone()));
        if !hands_on {
            self.name(path);
        }
    }

    /// Paths in what a macro is called with.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Names = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end_path(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end_path(&mut path);
                    self.tokens(group.stream());
                }
                _ => self.end_path(&mut path),
            }
        }
        self.end_path(&mut path);
    }

    fn end_path(&mut self, path: &mut Names) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.name(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if attributes(item).iter().any(is_test) {
            return;
        }
        let name = match item {
            Item::Const(item) => Some(&item.ident),
            Item::Enum(item) => Some(&item.ident),
            Item::Fn(item) => Some(&item.sig.ident),
            Item::Static(item) => Some(&item.ident),
            Item::Struct(item) => Some(&item.ident),
            Item::Trait(item) => Some(&item.ident),
            Item::Type(item) => Some(&item.ident),
            Item::Mod(item) if item.content.is_some() => Some(&item.ident),
            _ => None,
        };
        self.file.defined.extend(name.map(ToString::to_string));
        syn::visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.content.is_none() {
            self.below.push((item.ident.to_string(), item.attrs.iter().find_map(other_file)));
            return;
        }
        self.module.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let hands_on = !matches!(item.vis, Visibility::Inherited);
        self.use_tree(&item.tree, &[], hands_on);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.name(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.tokens(called.tokens.clone());
    }

    // where something may be seen from is not taken from there
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Returns true for `#[cfg(test)]` and `#[cfg(all(test, …))]`.
fn is_test(attribute: &Attribute) -> bool {
    fn asks(meta: &Meta) -> bool {
        match meta {
            Meta::Path(path) => path.is_ident("test"),
            Meta::List(list) if list.path.is_ident("all") => {
                let all = syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated;
                list.parse_args_with(all).is_ok_and(|all| all.iter().any(asks))
            }
            _ => false,
        }
    }
    attribute.path().is_ident("cfg") && attribute.parse_args::<Meta>().is_ok_and(|meta| asks(&meta))
}

/// Returns the file in `#[path = "…"]` and `#[cfg_attr(…, path = "…")]`.
fn other_file(attribute: &Attribute) -> Option<String> {
    let list = syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated;
    let metas = if attribute.path().is_ident("cfg_attr") {
        attribute.parse_args_with(list).ok()?.into_iter().collect()
    } else {
        vec![attribute.meta.clone()]
    };
    metas.iter().find_map(|meta| match meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) => Some(path.value()),
            _ => None,
        },
        _ => None,
    })
}

/// Returns where the packages of this project begin: libraries and programs, but no tests.
fn roots(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !name.starts_with('.') && !["target", "tests", "node_modules"].contains(&name) {
            found.extend(roots(&path));
        } else if name == "lib.rs" || name == "main.rs" {
            found.push(path);
        }
    }
    found
}

#[test]
fn no_circle_among_the_files_of_a_package() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (mut files, mut text) = (0, String::new());
    for root in roots(&project) {
        let package = Package::read(&root);
        files += package.files.len();
        for circle in package.circles(root.ends_with("core/src/lib.rs")) {
            text += &format!("\n  {}\n", circle.join("\n  ").replace(&format!("{}/", project.display()), ""));
        }
    }
    assert!(files > 400, "{files} files are few");
    assert!(text.is_empty(), "circles:\n{text}");
}

/// What is compiled is a choice of features, so that a test on the desktop has what a board has.
#[test]
fn the_core_does_not_depend_on_the_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/lib.rs");
    let package = Package::read(&root);
    let mut others = Vec::new();
    for file in &package.files {
        let text = fs::read_to_string(&file.path).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for (number, line) in (1..).zip(code) {
            for word in ["target_os", "target_arch", "target_family", "union "] {
                assert!(!line.contains(word), "{}, code line {number}: {line}", file.path.display());
            }
            if line.contains("cfg_attr(") && !line.contains("feature") {
                others.push(format!("{}: {line}", file.path.display()));
            }
        }
    }
    assert!(others.len() <= 12, "{} `cfg_attr` without a feature:\n{}", others.len(), others.join("\n"));
}
