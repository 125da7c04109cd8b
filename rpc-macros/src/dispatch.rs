//! The method that calls procedures.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ItemTrait, Path, TraitItem, parse_quote};

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
        quote!(let #variable: #kind = #read?;)
    });
    let context = procedure.has_context.then(|| quote!(&mut #krate::rpc::generated::context(__call, __out),));
    let result_krate = at(krate, procedure.result);
    let flow = quote_spanned!(procedure.result => #result_krate::rpc::generated::flow);
    let mutable = (!procedure.arguments.is_empty()).then(|| quote!(mut));
    quote! {
        #number => {
            let #mutable __reader = #krate::rpc::Call::arguments(__call);
            #(#reads)*
            #krate::rpc::generated::end(__reader, __call)?;
            #flow(<Self as #object>::#name(self, #context #(#variables),*))
        }
    }
}
