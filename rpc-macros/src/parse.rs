//! From a trait to its procedures, with an error for all that cannot be one.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{
    Attribute, FnArg, GenericParam, Ident, ItemTrait, LitStr, Pat, ReceiverKind, ReturnType, Safety,
    TraitItem, TraitItemFn, Type,
};

use crate::answer::{Answer, first_argument, last_segment, plain, returned};

/// The most procedures an object can have: their numbers are one byte.
const MAX_PROCEDURES: usize = 256;

/// Names that the generated code needs for itself.
const RESERVED: [&str; 3] = ["dispatch", "new", "remote"];

/// One procedure.
pub(crate) struct Procedure {
    pub(crate) name: Ident,
    pub(crate) number: u8,
    /// Its documentation.
    pub(crate) docs: Vec<Attribute>,
    /// Whether it is told who called.
    pub(crate) has_context: bool,
    pub(crate) answer: Answer,
    pub(crate) arguments: Vec<Argument>,
    /// Where its result is declared.
    pub(crate) result: Span,
}

/// One argument of a procedure.
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) kind: Type,
}

/// All that is wrong, so that it need not be found out one by one.
#[derive(Default)]
struct Errors(Option<syn::Error>);

impl Errors {
    fn add(&mut self, at: impl ToTokens, message: impl core::fmt::Display) {
        let error = syn::Error::new_spanned(at, message);
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }
}

/// The attribute's arguments: nothing, `crate = path`, `version = "…"`, or both.
pub(crate) struct Options {
    /// The path of the crate.
    pub(crate) krate: syn::Path,
    /// The version of the interface, if it is not that of the package.
    pub(crate) version: Option<LitStr>,
}

pub(crate) fn options(attribute: &TokenStream) -> syn::Result<Options> {
    let parser = |input: syn::parse::ParseStream<'_>| {
        let mut options = Options { krate: syn::parse_quote!(::peote_net), version: None };
        while !input.is_empty() {
            if input.parse::<Option<syn::Token![crate]>>()?.is_some() {
                input.parse::<syn::Token![=]>()?;
                options.krate = syn::Path::parse_mod_style(input)?;
            } else if input.parse::<Ident>()? == "version" {
                input.parse::<syn::Token![=]>()?;
                options.version = Some(input.parse()?);
            } else {
                return Err(input.error("an unknown option"));
            }
            if !input.is_empty() {
                input.parse::<syn::Token![,]>()?;
            }
        }
        Ok(options)
    };
    let message = "#[remote] takes nothing, `crate = path`, or `version = \"…\"`";
    syn::parse::Parser::parse2(parser, attribute.clone())
        .map_err(|_| syn::Error::new_spanned(attribute, message))
}

/// The procedures of a trait, in the order of their declaration.
pub(crate) fn procedures(item: &ItemTrait) -> syn::Result<Vec<Procedure>> {
    let mut errors = Errors::default();
    let name = &item.ident;
    if !item.generics.params.is_empty() || item.generics.where_clause.is_some() {
        errors.add(
            &item.generics,
            format!("`{name}` is generic: a remote object has the same procedures for everybody"),
        );
    }
    if let Some(unsafety) = &item.unsafety {
        errors.add(unsafety, format!("`{name}` is unsafe: a peer cannot promise anything"));
    }
    if let Some(auto) = &item.modifiers.auto_token {
        errors.add(auto, format!("`{name}` is an auto trait, which has no procedures"));
    }
    let mut procedures = Vec::new();
    for item in &item.items {
        match item {
            TraitItem::Fn(method) => {
                let number = u8::try_from(procedures.len());
                if number.is_err() {
                    errors.add(
                        &method.sig.ident,
                        format!(
                            "procedure `{}` is one too many: an object has at most {MAX_PROCEDURES}",
                            method.sig.ident
                        ),
                    );
                    break;
                }
                procedures.push(procedure(method, number.unwrap_or_default(), &mut errors));
            }
            other => {
                errors.add(other, format!("`{name}` is a remote object, which has nothing but procedures"));
            }
        }
    }
    match errors.0 {
        Some(error) => Err(error),
        None => Ok(procedures),
    }
}

fn procedure(method: &TraitItemFn, number: u8, errors: &mut Errors) -> Procedure {
    let signature = &method.sig;
    let name = &signature.ident;
    if RESERVED.contains(&name.to_string().as_str()) {
        errors.add(name, format!("procedure `{name}`: #[remote] needs this name for itself"));
    }
    if let Some(token) = &signature.asyncness {
        errors
            .add(token, format!("procedure `{name}` is async: a procedure runs while its message is there"));
    }
    if let Safety::Unsafe(token) = &signature.safety {
        errors.add(token, format!("procedure `{name}` is unsafe: a peer cannot promise anything"));
    }
    if let Some(token) = &signature.constness {
        errors.add(token, format!("procedure `{name}` is const: a call comes while the program runs"));
    }
    if let Some(abi) = &signature.abi {
        errors.add(abi, format!("procedure `{name}` has an ABI: a call comes through a message"));
    }
    check_generics(signature, errors);
    for attribute in &method.attrs {
        if attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr") {
            errors.add(
                attribute,
                format!(
                    "procedure `{name}` is there under a condition: the numbers of all procedures behind it would depend on it"
                ),
            );
        }
    }
    let mut inputs = signature.inputs.iter();
    check_receiver(signature, inputs.next(), errors);
    let mut inputs = inputs.peekable();
    let has_context = inputs.next_if(|input| is_context(input)).is_some();
    let ticket = inputs.next_if(|input| ticket(input).is_some()).and_then(ticket);
    let arguments = inputs.filter_map(|input| argument(name, input, errors)).collect();
    let answer = match (ticket, returned(&signature.output)) {
        (None, answer) => answer,
        (Some(kind), Answer::None) => Answer::Later(kind),
        (Some(kind), _) => {
            errors.add(
                &signature.output,
                format!("procedure `{name}` has a ticket and a result: the answer is one of the two"),
            );
            Answer::Later(kind)
        }
    };
    Procedure {
        name: name.clone(),
        number,
        docs: method.attrs.iter().filter(|attribute| attribute.path().is_ident("doc")).cloned().collect(),
        has_context,
        answer,
        arguments,
        result: match &signature.output {
            ReturnType::Default => name.span(),
            ReturnType::Type(_, kind) => kind.span(),
        },
    }
}

fn check_generics(signature: &syn::Signature, errors: &mut Errors) {
    let name = &signature.ident;
    for parameter in &signature.generics.params {
        match parameter {
            GenericParam::Lifetime(_) => errors.add(
                parameter,
                format!("procedure `{name}` names a lifetime: all lifetimes of a procedure are elided (`&str`, `List<'_, i32>`)"),
            ),
            _ => errors.add(
                parameter,
                format!("procedure `{name}` is generic: what comes over the wire has one type"),
            ),
        }
    }
    if let Some(clause) = &signature.generics.where_clause {
        errors.add(clause, format!("procedure `{name}` has a where clause: it is there for everybody"));
    }
    if let ReturnType::Type(_, kind) = &signature.output
        && let Type::ImplTrait(_) = plain(kind)
    {
        errors.add(
            kind,
            format!("procedure `{name}` returns an `impl Trait`: what goes over the wire has one type"),
        );
    }
    if let Some(variadic) = &signature.variadic {
        errors.add(variadic, format!("procedure `{name}` is variadic: its arguments have to be declared"));
    }
}

fn check_receiver(signature: &syn::Signature, first: Option<&FnArg>, errors: &mut Errors) {
    let name = &signature.ident;
    let Some(FnArg::Receiver(receiver)) = first else {
        errors.add(
            name,
            format!("procedure `{name}` has no `&mut self` or `&self`: it is called on an object"),
        );
        return;
    };
    if !matches!(receiver.kind, ReceiverKind::Reference(_, None, _)) {
        errors.add(
            receiver,
            format!("procedure `{name}` takes `self` in another way than `&mut self` or `&self`: the object stays for further calls"),
        );
    }
}

/// Whether a parameter is `&mut Context<'_>`, by whatever path it is named.
fn is_context(input: &FnArg) -> bool {
    let FnArg::Typed(typed) = input else { return false };
    let Type::Reference(reference) = plain(&typed.ty) else { return false };
    reference.mutability.is_some()
        && last_segment(&reference.elem).is_some_and(|last| last.ident == "Context")
}

/// The type of the answer, if a parameter is a `Ticket<T>`, by whatever path it is named.
fn ticket(input: &FnArg) -> Option<Type> {
    let FnArg::Typed(typed) = input else { return None };
    let last = last_segment(&typed.ty).filter(|last| last.ident == "Ticket")?;
    first_argument(last).cloned()
}

fn argument(procedure: &Ident, input: &FnArg, errors: &mut Errors) -> Option<Argument> {
    let FnArg::Typed(typed) = input else { return None };
    if ticket(input).is_some() {
        errors.add(
            &typed.ty,
            format!("procedure `{procedure}`: the ticket comes first, right behind `self` or the context"),
        );
    }
    if is_context(input) {
        errors
            .add(&typed.ty, format!("procedure `{procedure}`: the context comes first, right behind `self`"));
    }
    match plain(&typed.ty) {
        Type::ImplTrait(kind) => errors.add(
            kind,
            format!("procedure `{procedure}` has an `impl Trait` argument: what comes over the wire has one type"),
        ),
        Type::Reference(reference) if reference.mutability.is_some() && !is_context(input) => errors.add(
            reference,
            format!("procedure `{procedure}` has a `&mut` argument: what it would write there does not travel back"),
        ),
        _ => {}
    }
    let Pat::Ident(pattern) = &*typed.pat else {
        errors.add(&typed.pat, format!("procedure `{procedure}` has an argument without a plain name"));
        return None;
    };
    if let Some(by_ref) = &pattern.by_ref {
        errors.add(by_ref, format!("procedure `{procedure}` has an argument without a plain name"));
    }
    Some(Argument { name: pattern.ident.clone(), kind: (*typed.ty).clone() })
}
