//! What a procedure answers.

use proc_macro2::{Group, Spacing, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{GenericArgument, PathArguments, PathSegment, ReturnType, Type};

/// What a procedure answers, and how.
pub(crate) enum Answer {
    /// Nothing: it returns nothing, `Flow`, or a `Result` of one of them with a `SendError`.
    None,
    /// What it returns.
    Returned(Type),
    /// What it returns, unless that is a `SendError`.
    ReturnedOr(Type),
    /// It has a ticket, and returns as one that answers nothing.
    Later(Type),
}

impl Answer {
    /// The type of the answer.
    pub(crate) const fn kind(&self) -> Option<&Type> {
        match self {
            Self::None => None,
            Self::Returned(kind) | Self::ReturnedOr(kind) | Self::Later(kind) => Some(kind),
        }
    }
}

/// What a procedure without a ticket answers. Types are known by their last name.
pub(crate) fn returned(output: &ReturnType) -> Answer {
    let ReturnType::Type(_, kind) = output else { return Answer::None };
    let is_flow = |kind: &Type| match plain(kind) {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        kind => last_segment(kind).is_some_and(|last| last.ident == "Flow"),
    };
    if is_flow(kind) {
        return Answer::None;
    }
    match last_segment(kind).and_then(result_of_sending) {
        Some(value) if is_flow(value) => Answer::None,
        Some(value) => Answer::ReturnedOr(value.clone()),
        None => Answer::Returned((**kind).clone()),
    }
}

/// The `T` of a `Result<T, SendError>`.
fn result_of_sending(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    let mut types = arguments.args.iter().filter_map(as_type);
    let (value, error) = (types.next()?, types.next()?);
    let is_send_error = last_segment(error).is_some_and(|last| last.ident == "SendError");
    (segment.ident == "Result" && is_send_error).then_some(value)
}

/// The first type in the angle brackets behind a name.
pub(crate) fn first_argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    arguments.args.iter().find_map(as_type)
}

const fn as_type(argument: &GenericArgument) -> Option<&Type> {
    match argument {
        GenericArgument::Type(kind) => Some(kind),
        _ => None,
    }
}

/// A type without parentheses, and without the group that it is in when a macro has put it there.
pub(crate) fn plain(mut kind: &Type) -> &Type {
    loop {
        kind = match kind {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            kind => return kind,
        };
    }
}

/// The last name of a path.
pub(crate) fn last_segment(kind: &Type) -> Option<&PathSegment> {
    match plain(kind) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// A type with `'static` in place of lifetimes that are elided, so that what names the type only
/// borrows nothing.
pub(crate) fn owned(kind: &Type) -> TokenStream {
    with_static(kind.to_token_stream())
}

fn with_static(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut owned = TokenStream::new();
    while let Some(token) = tokens.next() {
        let next_is_quote = matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == '\'');
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '&' && !next_is_quote => {
                owned.extend([TokenTree::Punct(punct)]);
                owned.extend(quote!('static));
            }
            TokenTree::Punct(punct)
                if punct.as_char() == '\''
                    && punct.spacing() == Spacing::Joint
                    && is_underscore(tokens.peek()) =>
            {
                tokens.next();
                owned.extend(quote!('static));
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), with_static(group.stream()));
                inner.set_span(group.span());
                owned.extend([TokenTree::Group(inner)]);
            }
            token => owned.extend([token]),
        }
    }
    owned
}

fn is_underscore(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == "_")
}
