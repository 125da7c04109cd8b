//! From a Rust file to the text of a module.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use quote::ToTokens;
use syn::{Attribute, Expr, ExprLit, Fields, Ident, Item, ItemTrait, Lit, Meta};

use crate::parse::{Procedure, options, procedures};
use crate::types::Used;

/// A trait with the attribute.
struct Object<'a> {
    item: &'a ItemTrait,
    version: String,
    procedures: Vec<Procedure>,
}

/// All declarations of a file, also those in modules of it.
#[derive(Default)]
struct Declared<'a> {
    objects: Vec<Object<'a>>,
    /// Structs and enums that can be sent, in their order.
    types: Vec<(String, &'a Item)>,
}

/// Returns the module for a Rust file.
pub(crate) fn file(name: &str, text: &str, from: &str, version: &str) -> Result<String, String> {
    let parsed = syn::parse_file(text).map_err(|error| described(&error))?;
    let mut declared = Declared::default();
    declared.collect(&parsed.items, version).map_err(|error| described(&error))?;
    if declared.objects.is_empty() {
        return Err("there is no trait with #[remote]".to_owned());
    }
    let (body, used, has) = declared.write().map_err(|error| described(&error))?;
    let path = |part: &str| match from.ends_with('/') {
        true => format!("{from}peote-net-{part}.js"),
        false => format!("{from}/{part}"),
    };
    let rpc: Vec<_> = has.into_iter().chain(["define"]).collect();
    let mut module = format!("// Made by peote-interface from {name}. Changes belong there.\n");
    let _ = writeln!(module, "import {{ {} }} from '{}';", rpc.join(", "), path("rpc"));
    if !used.is_empty() {
        let used: Vec<_> = used.into_iter().collect();
        let _ = writeln!(module, "import {{ {} }} from '{}';", used.join(", "), path("value"));
    }
    Ok(module + &body)
}

/// All errors, each with its place.
fn described(errors: &syn::Error) -> String {
    let one = |error: syn::Error| {
        let start = error.span().start();
        format!("line {}, column {}: {error}", start.line, start.column + 1)
    };
    errors.clone().into_iter().map(one).collect::<Vec<_>>().join("\n")
}

impl<'a> Declared<'a> {
    fn collect(&mut self, items: &'a [Item], version: &str) -> syn::Result<()> {
        for item in items {
            match item {
                Item::Mod(module) => {
                    let inner = module.content.as_ref().map(|(_, items)| &items[..]);
                    self.collect(inner.unwrap_or_default(), version)?;
                }
                Item::Trait(object) => {
                    let Some(attribute) = remote(&object.attrs) else { continue };
                    let tokens = match &attribute.meta {
                        Meta::List(list) => list.tokens.clone(),
                        _ => proc_macro2::TokenStream::new(),
                    };
                    let version =
                        options(&tokens)?.version.map_or_else(|| version.to_owned(), |text| text.value());
                    self.objects.push(Object { item: object, version, procedures: procedures(object)? });
                }
                Item::Struct(item_struct) if is_sent(&item_struct.attrs) => {
                    self.types.push((item_struct.ident.to_string(), item));
                }
                Item::Enum(item_enum) if is_sent(&item_enum.attrs) => {
                    self.types.push((item_enum.ident.to_string(), item));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns the declarations, the names of values in them, and which kinds of procedures there
    /// are.
    fn write(&self) -> syn::Result<(String, BTreeSet<&'static str>, BTreeSet<&'static str>)> {
        let (mut used, mut kinds, mut objects) = (Used::default(), BTreeSet::new(), String::new());
        for object in &self.objects {
            objects += &object.write(&mut used, &mut kinds)?;
        }
        let mut types =
            Types { declared: &self.types, done: BTreeMap::new(), text: String::new(), values: used.values };
        for name in used.own {
            types.declare(&name, &mut Vec::new())?;
        }
        Ok((types.text + &objects, types.values, kinds))
    }
}

fn remote(attributes: &[Attribute]) -> Option<&Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.path().segments.last().is_some_and(|last| last.ident == "remote"))
}

fn is_sent(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("derive")).any(|attribute| {
        let text = attribute.meta.to_token_stream().to_string();
        text.split(|sign: char| !sign.is_alphanumeric()).any(|word| word == "Encode" || word == "Decode")
    })
}

impl Object<'_> {
    fn write(&self, used: &mut Used, kinds: &mut BTreeSet<&'static str>) -> syn::Result<String> {
        let name = &self.item.ident;
        let mut text = format!("\n{}export const {name} = define({{\n", comment(&self.item.attrs, ""));
        for procedure in &self.procedures {
            let mut types = Vec::new();
            if let Some(answer) = procedure.answer.kind() {
                types.push(used.text(answer)?);
            }
            for argument in &procedure.arguments {
                types.push(used.text(&argument.kind)?);
            }
            let kind = if procedure.answer.kind().is_some() { "answering" } else { "calling" };
            kinds.insert(kind);
            let names: Vec<_> = procedure.arguments.iter().map(|argument| camel(&argument.name)).collect();
            let names = if names.is_empty() { String::new() } else { format!(" // {}", names.join(", ")) };
            text += &comment(&procedure.docs, "  ");
            let _ = writeln!(text, "  {}: {kind}({}),{names}", camel(&procedure.name), types.join(", "));
        }
        let version = match &self.version[..] {
            "" => String::new(),
            version => format!(", {}", quoted(version)),
        };
        let _ = writeln!(text, "}}{version});");
        Ok(text)
    }
}

/// Structs and enums, each behind those that are in it.
struct Types<'a> {
    declared: &'a [(String, &'a Item)],
    done: BTreeMap<String, ()>,
    text: String,
    values: BTreeSet<&'static str>,
}

impl Types<'_> {
    fn declare(&mut self, name: &str, inside: &mut Vec<String>) -> syn::Result<()> {
        if self.done.contains_key(name) {
            return Ok(());
        }
        let Some((_, item)) = self.declared.iter().find(|(declared, _)| declared == name) else {
            let text = format!(
                "there is no type `{name}` for JavaScript: a struct or enum of this file derives Encode or Decode"
            );
            return Err(syn::Error::new(proc_macro2::Span::call_site(), text));
        };
        if inside.iter().any(|outer| outer == name) {
            return Err(syn::Error::new_spanned(item, format!("`{name}` is in itself, which has no end")));
        }
        inside.push(name.to_owned());
        let mut used = Used::default();
        let text = match item {
            Item::Struct(item) => {
                let value = fields(&item.fields, &mut used)?;
                format!("\n{}export const {name} = {value};\n", comment(&item.attrs, ""))
            }
            Item::Enum(item) => {
                let mut text = format!("\n{}export const {name} = choice({{\n", comment(&item.attrs, ""));
                used.values.insert("choice");
                let mut number = 0usize;
                for variant in &item.variants {
                    if let Some((_, Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }))) =
                        &variant.discriminant
                    {
                        number = literal.base10_parse()?;
                    }
                    let mut types = vec![number.to_string()];
                    for field in &variant.fields {
                        types.push(used.text(&field.ty)?);
                    }
                    text += &comment(&variant.attrs, "  ");
                    let _ = writeln!(text, "  {}: [{}],", camel(&variant.ident), types.join(", "));
                    number += 1;
                }
                text + "});\n"
            }
            _ => String::new(),
        };
        for inner in &used.own {
            self.declare(inner, inside)?;
        }
        inside.pop();
        self.values.extend(used.values);
        self.done.insert(name.to_owned(), ());
        self.text += &text;
        Ok(())
    }
}

fn fields(fields: &Fields, used: &mut Used) -> syn::Result<String> {
    let is_named = matches!(fields, Fields::Named(_));
    used.values.insert(if is_named { "record" } else { "tuple" });
    let mut types = Vec::new();
    for field in fields {
        let kind = used.text(&field.ty)?;
        types.push(match &field.ident {
            Some(name) => format!("{}: {kind}", camel(name)),
            None => kind,
        });
    }
    Ok(if is_named {
        format!("record({{ {} }})", types.join(", "))
    } else {
        format!("tuple({})", types.join(", "))
    })
}

/// A name as JavaScript has them.
fn camel(name: &Ident) -> String {
    let name = name.to_string();
    let name = name.strip_prefix("r#").unwrap_or(&name);
    let mut camel = String::new();
    let mut is_word = false;
    for sign in name.chars() {
        if sign == '_' {
            is_word = !camel.is_empty();
        } else if camel.is_empty() {
            camel.extend(sign.to_lowercase());
        } else if is_word {
            camel.extend(sign.to_uppercase());
            is_word = false;
        } else {
            camel.push(sign);
        }
    }
    camel
}

/// The documentation of something as a comment.
fn comment(attributes: &[Attribute], indent: &str) -> String {
    let lines: Vec<_> = attributes.iter().filter_map(doc).collect();
    match &lines[..] {
        [] => String::new(),
        [line] => format!("{indent}/** {line} */\n"),
        lines => {
            let lines: String =
                lines.iter().map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n").collect();
            format!("{indent}/**\n{lines}{indent} */\n")
        }
    }
}

fn doc(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value else { return None };
    attribute.path().is_ident("doc").then(|| text.value().trim().replace("*/", "* /"))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for sign in text.chars() {
        match sign {
            '\'' | '\\' => quoted.extend(['\\', sign]),
            '\n' => quoted += "\\n",
            sign => quoted.push(sign),
        }
    }
    quoted + "'"
}
