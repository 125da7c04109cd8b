//! From a struct or an enum to its bytes and back: the derives `Encode` and `Decode`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{
    Data, DeriveInput, Expr, ExprLit, Fields, GenericParam, Generics, Ident, Lifetime, LifetimeParam, Lit,
    Member, Type,
};

/// The most variants an enum can have: their numbers are one byte.
const MAX_VARIANTS: usize = 256;

/// A struct, or one variant of an enum.
struct Shape<'a> {
    /// The variant's name; `None` for a struct.
    variant: Option<&'a Ident>,
    /// The variant's number on the wire.
    number: Option<u8>,
    fields: Vec<(Member, Ident, &'a Type)>,
}

impl<'a> Shape<'a> {
    fn new(variant: Option<&'a Ident>, number: Option<u8>, fields: &'a Fields) -> Self {
        let members = fields.members().zip(fields).enumerate();
        let fields = members.map(|(at, (member, field))| (member, format_ident!("field_{at}"), &field.ty));
        Self { variant, number, fields: fields.collect() }
    }

    fn path(&self) -> TokenStream {
        self.variant.map_or_else(|| quote!(Self), |variant| quote!(Self::#variant))
    }

    /// The pattern that names all fields.
    fn pattern(&self) -> TokenStream {
        let path = self.path();
        let fields = self.fields.iter().map(|(member, name, _)| quote!(#member: #name));
        quote!(#path { #(#fields),* })
    }

    fn types(&self) -> impl Iterator<Item = &'a Type> {
        self.fields.iter().map(|(_, _, kind)| *kind)
    }
}

/// All shapes of a type.
fn shapes(input: &DeriveInput) -> syn::Result<Vec<Shape<'_>>> {
    let name = &input.ident;
    match &input.data {
        Data::Struct(data) => Ok(vec![Shape::new(None, None, &data.fields)]),
        Data::Enum(data) if data.variants.is_empty() => Err(syn::Error::new_spanned(
            name,
            format!("`{name}` has no variants, so there is no value of it"),
        )),
        Data::Enum(data) => {
            let mut next = 0usize;
            let mut shapes: Vec<Shape<'_>> = Vec::new();
            for variant in &data.variants {
                if let Some((_, value)) = &variant.discriminant {
                    next = number(value)?;
                }
                let Ok(number) = u8::try_from(next) else {
                    let name = &variant.ident;
                    let text = format!("variant `{name}` has number {next}: at most {}", MAX_VARIANTS - 1);
                    return Err(syn::Error::new_spanned(name, text));
                };
                if shapes.iter().any(|shape| shape.number == Some(number)) {
                    let text = format!("number {number} is that of two variants");
                    return Err(syn::Error::new_spanned(&variant.ident, text));
                }
                shapes.push(Shape::new(Some(&variant.ident), Some(number), &variant.fields));
                next = usize::from(number).saturating_add(1);
            }
            Ok(shapes)
        }
        Data::Union(_) => Err(syn::Error::new_spanned(
            name,
            format!("`{name}` is a union: its bytes do not say which field is meant"),
        )),
    }
}

/// The number that a variant is given by `= NUMBER`.
fn number(value: &Expr) -> syn::Result<usize> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse(),
        // a macro has put it there
        Expr::Group(group) => number(&group.expr),
        Expr::Paren(paren) => number(&paren.expr),
        other => Err(syn::Error::new_spanned(other, "a variant's number on the wire is a plain number")),
    }
}

/// The path of the crate, from `#[value(crate = path)]` or none.
fn crate_path(input: &DeriveInput) -> syn::Result<syn::Path> {
    let mut krate = syn::parse_quote!(::peote_net);
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("value")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("#[value] takes `crate = path`"));
            }
            krate = meta.value()?.call(syn::Path::parse_mod_style)?;
            Ok(())
        })?;
    }
    Ok(krate)
}

/// `impl Encode`.
pub(crate) fn encode(input: &DeriveInput) -> syn::Result<TokenStream> {
    let (krate, shapes, name) = (crate_path(input)?, shapes(input)?, &input.ident);
    let mut generics = input.generics.clone();
    bound(&mut generics, &quote!(#krate::value::Encode));
    let (in_impl, _, bounds) = generics.split_for_impl();
    let (_, of_type, _) = input.generics.split_for_impl();
    let lens = shapes.iter().map(|shape| {
        let (pattern, first) = (shape.pattern(), usize::from(shape.number.is_some()));
        let names = shape.fields.iter().map(|(_, name, _)| name);
        quote! {
            #pattern => {
                let len = #first;
                #(let len = usize::saturating_add(len, #krate::value::Encode::encoded_len(#names)?);)*
                ::core::result::Result::Ok(len)
            }
        }
    });
    let writes = shapes.iter().map(|shape| {
        let pattern = shape.pattern();
        let number = shape.number.map(|number| quote!(#krate::value::Sink::put(sink, &[#number]);));
        let names = shape.fields.iter().map(|(_, name, _)| name);
        quote! {
            #pattern => {
                #number
                #(#krate::value::Encode::encode(#names, sink);)*
            }
        }
    });
    let (form, most) = (form(&krate, &shapes), most(&krate, &shapes));
    Ok(quote! {
        #[automatically_derived]
        impl #in_impl #krate::value::Encode for #name #of_type #bounds {
            const FORM: #krate::value::Form = #form;
            const MOST: usize = { #most };

            #[inline]
            fn encoded_len(&self) -> ::core::result::Result<usize, #krate::value::EncodeError> {
                match self { #(#lens)* }
            }

            #[inline]
            fn encode(&self, sink: &mut impl #krate::value::Sink) {
                match self { #(#writes)* }
            }
        }
    })
}

/// What values are on the wire: a struct is the tuple of its fields.
fn form(krate: &syn::Path, shapes: &[Shape<'_>]) -> TokenStream {
    let of = quote!(#krate::value::Form::of);
    let variants = shapes.iter().map(|shape| {
        let types = shape.types();
        let fields = quote!(#(<#types as #krate::value::Encode>::FORM),*);
        match shape.number.map(|number| number.to_string()) {
            Some(number) => quote!(#of("variant", &[#krate::value::Form::named(#number), #fields])),
            None => quote!(#of("tuple", &[#fields])),
        }
    });
    if let [Shape { variant: None, .. }] = shapes {
        return quote!(#(#variants)*);
    }
    quote!(#of("enum", &[#(#variants),*]))
}

/// The most bytes that a value takes.
fn most(krate: &syn::Path, shapes: &[Shape<'_>]) -> TokenStream {
    let mosts = shapes.iter().map(|shape| {
        let (first, types) = (usize::from(shape.number.is_some()), shape.types());
        quote! {
            let len = #first;
            #(let len = usize::saturating_add(len, <#types as #krate::value::Encode>::MOST);)*
            let most = if len > most { len } else { most };
        }
    });
    quote! {
        let most = 0usize;
        #(#mosts)*
        most
    }
}

/// `impl Decode`.
pub(crate) fn decode(input: &DeriveInput) -> syn::Result<TokenStream> {
    let (krate, shapes, name) = (crate_path(input)?, shapes(input)?, &input.ident);
    if let [Shape { variant: None, fields, .. }] = &shapes[..]
        && fields.is_empty()
    {
        let text = format!("`{name}` has no fields, so there is nothing to receive");
        return Err(syn::Error::new_spanned(name, text));
    }
    let mut generics = input.generics.clone();
    let lifetime = lifetime(&mut generics)?;
    bound(&mut generics, &quote!(#krate::value::Decode<#lifetime>));
    let (in_impl, _, bounds) = generics.split_for_impl();
    let (_, of_type, _) = input.generics.split_for_impl();
    let decode = quote!(#krate::value::Decode<#lifetime>);
    let value = |shape: &Shape<'_>| {
        let path = shape.path();
        let fields =
            shape.fields.iter().map(|(member, _, kind)| quote!(#member: <#kind as #decode>::decode(reader)?));
        quote!(#path { #(#fields),* })
    };
    let least = shapes.iter().map(|shape| {
        let (first, types) = (usize::from(shape.number.is_some()), shape.types());
        quote! {
            let len = #first;
            #(let len = usize::saturating_add(len, <#types as #decode>::MIN_LEN);)*
            let least = if len < least { len } else { least };
        }
    });
    let body = if let [shape @ Shape { variant: None, .. }] = &shapes[..] {
        let value = value(shape);
        quote!(::core::result::Result::Ok(#value))
    } else {
        let arms = shapes.iter().map(|shape| {
            let (number, value) = (shape.number, value(shape));
            quote!(#number => ::core::result::Result::Ok(#value),)
        });
        // with all numbers taken the last arm is not reached
        quote! {
            match reader.u8()? {
                #(#arms)*
                #[allow(unreachable_patterns)]
                number => {
                    ::core::result::Result::Err(#krate::value::DecodeError::UnknownVariant { number })
                }
            }
        }
    };
    Ok(quote! {
        #[automatically_derived]
        impl #in_impl #decode for #name #of_type #bounds {
            const MIN_LEN: usize = {
                let least = usize::MAX;
                #(#least)*
                least
            };

            #[inline]
            fn decode(
                reader: &mut #krate::value::Reader<#lifetime>,
            ) -> ::core::result::Result<Self, #krate::value::DecodeError> {
                #body
            }
        }
    })
}

/// The lifetime of the bytes: that of the type, or one more.
fn lifetime(generics: &mut Generics) -> syn::Result<Lifetime> {
    let mut lifetimes = generics.lifetimes();
    let first = lifetimes.next().map(|parameter| parameter.lifetime.clone());
    if let Some(second) = lifetimes.next() {
        let text = "one lifetime at most: all that is borrowed lies in the same message";
        return Err(syn::Error::new_spanned(second, text));
    }
    Ok(first.unwrap_or_else(|| {
        let lifetime = Lifetime::new("'bytes", Span::mixed_site());
        let parameter = GenericParam::Lifetime(LifetimeParam::new(lifetime.clone()));
        generics.params.insert(0, parameter);
        lifetime
    }))
}

/// Asks each type parameter for `bound`.
fn bound(generics: &mut Generics, bound: &TokenStream) {
    let types: Vec<Ident> = generics.type_params().map(|parameter| parameter.ident.clone()).collect();
    let clause = generics.make_where_clause();
    for name in types {
        clause.predicates.push(syn::parse_quote!(#name: #bound));
    }
}
