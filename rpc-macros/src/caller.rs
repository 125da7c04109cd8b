//! The struct that makes calls.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ItemTrait, Path};

use crate::at;
use crate::parse::Procedure;

pub(crate) fn caller(krate: &Path, item: &ItemTrait, procedures: &[Procedure]) -> TokenStream {
    let (visibility, object) = (&item.vis, &item.ident);
    let name = format_ident!("{object}Caller");
    let methods = procedures.iter().map(|procedure| method(krate, procedure));
    let docs = format!("Calls the procedures of a [`{object}`] at the other end.");
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
    quote! {
        #[doc = #about]
        ///
        #(#docs)*
        ///
        /// # Errors
        /// Those of `Out::send`, and `SendError::Encode` for an argument that cannot be written. Nothing was sent then.
        pub fn #name(
            &self,
            __out: &mut #krate::link::Out<'_>,
            #(#names: #kinds),*
        ) -> ::core::result::Result<(), #krate::link::SendError> {
            let __len = 0usize;
            #(#lens)*
            #krate::rpc::generated::call(self.remote, __out, #number, __len, |__payload| {
                let _ = &__payload;
                #(#encodes)*
            })
        }
    }
}
