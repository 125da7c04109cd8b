//! The struct that makes calls.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ItemTrait, LitStr, Path};

use crate::answer::owned;
use crate::at;
use crate::parse::Procedure;

pub(crate) fn caller(
    krate: &Path,
    version: Option<&LitStr>,
    item: &ItemTrait,
    procedures: &[Procedure],
) -> TokenStream {
    let (visibility, object) = (&item.vis, &item.ident);
    let name = format_ident!("{object}Caller");
    let methods = procedures.iter().map(|procedure| method(krate, procedure));
    let docs = format!("Calls the procedures of a [`{object}`] at the other end.");
    let interface = interface(krate, version, procedures);
    let attributes = item.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let attributes: Vec<_> = attributes.collect();
    quote! {
        #(#attributes)*
        #[doc = #docs]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(dead_code)]
        #visibility struct #name {
            remote: #krate::rpc::Remote,
        }

        #(#attributes)*
        #[allow(dead_code, clippy::too_many_arguments)]
        impl #name {
            #interface

            /// Calls this object.
            #[must_use]
            #visibility const fn new(remote: #krate::rpc::Remote) -> Self {
                Self { remote }
            }

            /// The object.
            #[must_use]
            #visibility const fn remote(&self) -> #krate::rpc::Remote {
                self.remote
            }

            #(#methods)*
        }

        #(#attributes)*
        impl ::core::convert::From<#krate::rpc::Remote> for #name {
            fn from(remote: #krate::rpc::Remote) -> Self {
                Self::new(remote)
            }
        }
    }
}

/// What the procedures are, to be compared with what the other end means.
fn interface(krate: &Path, version: Option<&LitStr>, procedures: &[Procedure]) -> TokenStream {
    let version = match version {
        Some(version) => quote!(#version),
        None => quote!(match ::core::option_env!("CARGO_PKG_VERSION") {
            ::core::option::Option::Some(version) => version,
            ::core::option::Option::None => "",
        }),
    };
    let procedures = procedures.iter().map(|procedure| {
        let name = procedure.name.to_string();
        let name = name.strip_prefix("r#").unwrap_or(&name);
        let forms = procedure.arguments.iter().map(|argument| form(krate, &argument.kind));
        let answer = match procedure.answer.kind() {
            Some(kind) => {
                let form = form(krate, kind);
                quote!(::core::option::Option::Some(#form))
            }
            None => quote!(::core::option::Option::None),
        };
        quote!(#krate::rpc::Procedure::new(#name, &[#(#forms),*], #answer))
    });
    quote! {
        /// The procedures, for `Calls` to compare.
        pub const INTERFACE: &'static #krate::rpc::Interface = {
            const PROCEDURES: &[#krate::rpc::Procedure] = &[#(#procedures),*];
            &#krate::rpc::Interface::new(#version, PROCEDURES)
        };
    }
}

/// What a type is on the wire.
fn form(krate: &Path, kind: &syn::Type) -> TokenStream {
    let kind = owned(kind);
    quote!(<#kind as #krate::rpc::generated::Encode>::FORM)
}

fn method(krate: &Path, procedure: &Procedure) -> TokenStream {
    let Procedure { name, number, docs, arguments, .. } = procedure;
    let names: Vec<_> = arguments.iter().map(|argument| &argument.name).collect();
    let kinds = arguments.iter().map(|argument| &argument.kind);
    let about = format!("Calls procedure {number}, `{name}`.");
    let lens = arguments.iter().map(|argument| {
        let name = &argument.name;
        // the span makes an error show the argument in the trait
        let span = argument.kind.span();
        let krate = at(krate, span);
        let add = quote_spanned!(span => #krate::rpc::generated::add(__len, &#name));
        quote!(let __len = #add?;)
    });
    let encodes = arguments.iter().map(|argument| {
        let name = &argument.name;
        let span = argument.kind.span();
        let krate = at(krate, span);
        quote_spanned!(span => #krate::rpc::generated::Encode::encode(&#name, __payload);)
    });
    // one body for two types of what is written to
    let write = |number: TokenStream| {
        let encodes = encodes.clone();
        quote! {
            |__payload| {
                let _ = &__payload;
                #number
                #(#encodes)*
            }
        }
    };
    let Some(answer) = procedure.answer.kind().map(owned) else {
        let (small, large) = (write(quote!()), write(quote!()));
        return quote! {
            #[doc = #about]
            ///
            #(#docs)*
            ///
            /// # Errors
            /// Those of `Out::send`, and `SendError::Encode` for an argument that cannot be
            /// written. Nothing was sent then.
            pub fn #name(
                &self,
                __out: &mut #krate::link::Out<'_>,
                #(#names: #kinds),*
            ) -> ::core::result::Result<(), #krate::link::SendError> {
                let __len = 0usize;
                #(#lens)*
                #krate::rpc::generated::call(self.remote, __out, #number, __len, #small, #large)
            }
        };
    };
    let number_first = quote!(#krate::rpc::generated::Encode::encode(&__number, __payload););
    let (small, large) = (write(number_first.clone()), write(number_first));
    quote! {
        #[doc = #about]
        /// `Calls` tells the answer, or that there is none.
        ///
        #(#docs)*
        ///
        /// # Errors
        /// `SendError::NoAnswers` if the peer cannot answer, `SendError::TooManyCalls`, those of
        /// `Out::send`, and `SendError::Encode` for an argument that cannot be written. Nothing was
        /// sent then.
        pub fn #name(
            &self,
            __out: &mut #krate::link::Out<'_>,
            __calls: &mut impl #krate::rpc::OpenCalls,
            #(#names: #kinds),*
        ) -> ::core::result::Result<#krate::rpc::CallId<#answer>, #krate::link::SendError> {
            let __number = #krate::rpc::OpenCalls::reserve(__calls, self.remote)?;
            let __len = 4usize;
            #(#lens)*
            #krate::rpc::generated::call(self.remote, __out, #number, __len, #small, #large)?;
            ::core::result::Result::Ok(#krate::rpc::OpenCalls::open(__calls, __number, self.remote))
        }
    }
}
