//! The method that calls procedures.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ItemTrait, Path, TraitItem, parse_quote};

use crate::answer::{Answer, owned};
use crate::at;
use crate::parse::Procedure;

pub(crate) fn dispatch(krate: &Path, item: &ItemTrait, procedures: &[Procedure]) -> TraitItem {
    let arms = procedures.iter().map(|procedure| arm(krate, item, procedure));
    let docs = format!(
        "Reads the arguments of a call of this object, and calls the procedure.\n\n\
         # Errors\n\
         `{}` has no such procedure, or the arguments are not its arguments; nothing was called then. Or the procedure returned an error.",
        item.ident
    );
    parse_quote! {
        #[doc = #docs]
        fn dispatch(
            &mut self,
            __call: &#krate::rpc::Call<'_>,
            __out: &mut #krate::link::Out<'_>,
        ) -> ::core::result::Result<#krate::link::Flow, #krate::rpc::Error> {
            match #krate::rpc::Call::procedure(__call) {
                #(#arms)*
                _ => ::core::result::Result::Err(#krate::rpc::Call::unknown_procedure(__call)),
            }
        }
    }
}

/// Variables get names of their own, since arguments may be called as anything.
fn variable(index: usize) -> proc_macro2::Ident {
    format_ident!("__argument_{index}", span = Span::mixed_site())
}

fn arm(krate: &Path, item: &ItemTrait, procedure: &Procedure) -> TokenStream {
    let (object, name, number) = (&item.ident, &procedure.name, procedure.number);
    let variables: Vec<_> = (0..procedure.arguments.len()).map(variable).collect();
    let reads = procedure.arguments.iter().zip(&variables).map(|(argument, variable)| {
        let kind = &argument.kind;
        // the span makes an error show the argument in the trait
        let krate = at(krate, kind.span());
        let read = quote_spanned!(kind.span() => #krate::rpc::generated::argument(&mut __reader, __call));
        checked(procedure, &krate, &quote!(#variable: #kind), &read)
    });
    let context = procedure.has_context.then(|| quote!(&mut #krate::rpc::generated::context(__call, __out),));
    let result_krate = at(krate, procedure.result);
    let generated = quote_spanned!(procedure.result => #result_krate::rpc::generated);
    let answers = procedure.answer.kind();
    let mutable = (!procedure.arguments.is_empty() || answers.is_some()).then(|| quote!(mut));
    let ticket = answers.map(|kind| {
        let kind = owned(kind);
        quote! {
            let __ticket: #krate::rpc::Ticket<#kind> = #krate::rpc::generated::ticket(&mut __reader, __call)?;
        }
    });
    let end = checked(
        procedure,
        &krate.to_token_stream(),
        &quote!(()),
        &quote!(#krate::rpc::generated::end(__reader, __call)),
    );
    let passed_ticket = matches!(procedure.answer, Answer::Later(_)).then(|| quote!(__ticket,));
    let called = quote!(<Self as #object>::#name(self, #context #passed_ticket #(#variables),*));
    // an answer that does not fit would be lost, for the procedure must not be called twice
    let wait = |kind: &syn::Type| {
        quote! {
            if #generated::has_to_wait::<#kind>(__call, __out) {
                return ::core::result::Result::Ok(#krate::link::Flow::Again);
            }
        }
    };
    let call = match &procedure.answer {
        Answer::None | Answer::Later(_) => quote!(#generated::flow(#called)),
        Answer::Returned(kind) => {
            let wait = wait(kind);
            quote! {
                #wait
                let __value = #called;
                #generated::answer(__ticket, __out, &__value)
            }
        }
        Answer::ReturnedOr(kind) => {
            let wait = wait(kind);
            quote! {
                #wait
                match #called {
                    ::core::result::Result::Ok(__value) => {
                        #generated::answer(__ticket, __out, &__value)
                    }
                    ::core::result::Result::Err(__error) => {
                        #generated::flow(::core::result::Result::<(), _>::Err(__error))
                    }
                }
            }
        }
    };
    quote! {
        #number => {
            let #mutable __reader = #krate::rpc::Call::arguments(__call);
            #ticket
            #(#reads)*
            #end
            #call
        }
    }
}

/// `let variable = read?`, and for a call with an answer the caller is told.
fn checked(
    procedure: &Procedure,
    krate: &TokenStream,
    variable: &TokenStream,
    read: &TokenStream,
) -> TokenStream {
    if procedure.answer.kind().is_none() {
        return quote!(let #variable = #read?;);
    }
    quote! {
        let #variable = match #read {
            ::core::result::Result::Ok(__read) => __read,
            ::core::result::Result::Err(__error) => {
                return #krate::rpc::generated::wrong(__ticket, __out, __error);
            }
        };
    }
}
