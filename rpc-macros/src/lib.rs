#![doc = include_str!("../README.md")]

mod answer;
mod caller;
mod dispatch;
mod parse;
mod value;

use proc_macro::TokenStream;
use quote::{ToTokens, quote};

/// Makes a trait callable from the other end of a channel; see `peote_net::rpc::remote`.
#[proc_macro_attribute]
pub fn remote(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let kept = proc_macro2::TokenStream::from(item.clone());
    match expand(&attribute.into(), item.into()) {
        Ok(tokens) => tokens.into(),
        // the trait itself stays, so that what uses it brings no errors of its own
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#kept #error).into()
        }
    }
}

/// Writes a struct or an enum as a typed value; see `peote_net::value`.
#[proc_macro_derive(Encode, attributes(value))]
pub fn derive_encode(input: TokenStream) -> TokenStream {
    derive(input, value::encode)
}

/// Reads a struct or an enum as a typed value; see `peote_net::value`.
#[proc_macro_derive(Decode, attributes(value))]
pub fn derive_decode(input: TokenStream) -> TokenStream {
    derive(input, value::decode)
}

fn derive(
    input: TokenStream,
    expand: fn(&syn::DeriveInput) -> syn::Result<proc_macro2::TokenStream>,
) -> TokenStream {
    let expanded = syn::parse(input).and_then(|input| expand(&input));
    expanded.unwrap_or_else(syn::Error::into_compile_error).into()
}

/// A path whose errors show `span`. (The errors of an expression whose tokens have different
/// origins show the attribute alone.)
fn at(path: &syn::Path, span: proc_macro2::Span) -> proc_macro2::TokenStream {
    let tokens = path.to_token_stream().into_iter().map(|mut token| {
        token.set_span(span.resolved_at(token.span()));
        token
    });
    tokens.collect()
}

fn expand(
    attribute: &proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> syn::Result<proc_macro2::TokenStream> {
    let parse::Options { krate, version } = parse::options(attribute)?;
    let mut item: syn::ItemTrait = syn::parse2(item)?;
    let procedures = parse::procedures(&item)?;
    let caller = caller::caller(&krate, version.as_ref(), &item, &procedures);
    item.items.push(dispatch::dispatch(&krate, &item, &procedures));
    Ok(quote! {
        // each end uses one half of what is here
        #[allow(dead_code)]
        #item
        #caller
    })
}
