//! From types of Rust to those of `peote-net-value.js`.

use std::collections::BTreeSet;

use quote::ToTokens;
use syn::{GenericArgument, PathArguments, PathSegment, Type};

use crate::answer::last_segment;

/// Types that JavaScript has under the same name.
const SAME: [&str; 11] = ["bool", "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64"];

/// What a text of types needs.
#[derive(Default)]
pub(crate) struct Used {
    /// Names of `peote-net-value.js`.
    pub(crate) values: BTreeSet<&'static str>,
    /// Structs and enums of the program.
    pub(crate) own: BTreeSet<String>,
}

impl Used {
    fn value(&mut self, name: &'static str) -> String {
        self.values.insert(name);
        name.to_owned()
    }

    fn of(&mut self, name: &'static str, inner: &[&Type]) -> syn::Result<String> {
        let inner = inner.iter().map(|kind| self.text(kind)).collect::<syn::Result<Vec<_>>>()?;
        Ok(format!("{}({})", self.value(name), inner.join(", ")))
    }

    fn list(&mut self, item: &Type) -> syn::Result<String> {
        if last_segment(item).is_some_and(|last| last.ident == "u8") {
            return Ok(self.value("bytes"));
        }
        self.of("list", &[item])
    }

    /// Returns the type as it is written in JavaScript. Names are known by their last part.
    pub(crate) fn text(&mut self, kind: &Type) -> syn::Result<String> {
        match kind {
            Type::Reference(reference) => self.text(&reference.elem),
            Type::Paren(paren) => self.text(&paren.elem),
            Type::Group(group) => self.text(&group.elem),
            Type::Slice(slice) => self.list(&slice.elem),
            Type::Array(array) => self.list(&array.elem),
            Type::Tuple(tuple) if tuple.elems.is_empty() => Ok(self.value("nothing")),
            Type::Tuple(tuple) => self.of("tuple", &tuple.elems.iter().collect::<Vec<_>>()),
            Type::Path(_) => match last_segment(kind) {
                Some(segment) => self.named(kind, segment),
                None => Err(unknown(kind)),
            },
            _ => Err(unknown(kind)),
        }
    }

    fn named(&mut self, kind: &Type, segment: &PathSegment) -> syn::Result<String> {
        let name = segment.ident.to_string();
        if let Some(same) = SAME.iter().find(|same| **same == name) {
            return Ok(self.value(same));
        }
        match (name.as_str(), &arguments(segment)[..]) {
            ("str" | "String", _) => Ok(self.value("string")),
            ("U24", []) => Ok(self.value("u24")),
            ("I24", []) => Ok(self.value("i24")),
            ("Haxe", _) => Ok(self.value("haxe")),
            ("List" | "Vec", [item, ..]) => self.list(item),
            ("Map" | "LinearMap", [key, value, ..]) => self.of("map", &[key, value]),
            ("Option", [inner]) => self.of("option", &[inner]),
            ("Result", [ok, error]) => self.of("result", &[ok, error]),
            ("Box", [inner]) => self.text(inner),
            (_, []) => {
                self.own.insert(name.clone());
                Ok(name)
            }
            _ => Err(unknown(kind)),
        }
    }
}

/// The types in the angle brackets behind a name.
fn arguments(segment: &PathSegment) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return Vec::new() };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(kind) => Some(kind),
        _ => None,
    });
    types.collect()
}

pub(crate) fn unknown(kind: &Type) -> syn::Error {
    let text = format!("JavaScript has no type for `{}`", kind.to_token_stream());
    syn::Error::new_spanned(kind, text)
}
