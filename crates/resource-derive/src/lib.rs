//! `#[derive(Fields)]`: a struct becomes a field table and a codec.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{Data, DeriveInput, Expr, ExprLit, Field, Lit, Meta, parse_macro_input, spanned::Spanned};

/// Describes the fields of a resource.
///
/// `#[field(...)]` takes: `flatten`; `default = EXPR`; `required`, `optional` (may be absent, never null),
/// `nullable`; `empty` (a list that must be named and may be empty); `read_only`, `write_only`, `internal`; `sealed`; `computed = FN, shape = EXPR`; `attached`; `shown = FN`;
/// `language = EXPR` (its text is a program);
/// `references = "app.model"` with `on_delete = Cascade | SetNull | SetDefault | Protect`; `max = N`, `min = N`, `blank`,
/// `format = Slug | Identifier | Url | Email | Duration`, `raw` (not trimmed); `unique = "message"`;
/// `folded` (a table keeps a case-folded column beside it); `label = "..."`; `column = "..."`.
/// A doc comment becomes the field's description; a field without `default`, that is no `Option`, is required.
#[proc_macro_derive(Fields, attributes(field))]
pub fn derive_fields(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

fn expand(input: &DeriveInput) -> syn::Result<Tokens> {
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new(input.span(), "Fields describes structs with named fields"));
    };
    let mut tables = Vec::new();
    let mut readers = Vec::new();
    let mut names = Vec::new();
    for field in &data.fields {
        let Some(name) = &field.ident else {
            return Err(syn::Error::new(field.span(), "Fields describes structs with named fields"));
        };
        let (table, reader) = expand_field(field)?;
        tables.push(table);
        readers.push(quote!(#name: #reader));
        names.push(name);
    }
    let name = &input.ident;
    Ok(quote! {
        // A struct that only describes a body is never read field by field.
        const _: fn(&#name) = |value| {
            #(let _ = &value.#names;)*
        };
        impl ::vestibule_resource::Fields for #name {
            fn fields() -> ::std::vec::Vec<::vestibule_resource::Field> {
                let mut fields = ::std::vec::Vec::new();
                #(#tables)*
                fields
            }
            fn read(object: &::vestibule_resource::Object) -> ::std::result::Result<Self, ::std::string::String> {
                ::std::result::Result::Ok(Self { #(#readers),* })
            }
        }
    })
}

fn expand_field(field: &Field) -> syn::Result<(Tokens, Tokens)> {
    let ty = &field.ty;
    let ident = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
    let name = ident.trim_start_matches("r#");
    let doc = doc_comment(field);
    let mut setters = Vec::new();
    let mut flatten = false;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("field")) {
        let metas = attribute.parse_args_with(syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated)?;
        for meta in metas {
            if meta.path().is_ident("flatten") {
                flatten = true;
            } else {
                setters.push(setter(&meta)?);
            }
        }
    }
    if flatten {
        return Ok((
            quote!(fields.extend(<#ty as ::vestibule_resource::Fields>::fields());),
            quote!(<#ty as ::vestibule_resource::Fields>::read(object)?),
        ));
    }
    Ok((
        quote! {
            fields.push({
                let field = ::vestibule_resource::Field::of::<#ty>(#name, #doc);
                #(let field = field #setters;)*
                field
            });
        },
        quote!(::vestibule_resource::read_field::<#ty>(object, #name)?),
    ))
}

fn setter(meta: &Meta) -> syn::Result<Tokens> {
    let name = meta.path().require_ident()?;
    match (name.to_string().as_str(), meta) {
        (
            "required" | "optional" | "nullable" | "read_only" | "write_only" | "internal" | "sealed" | "guarded"
            | "blank" | "raw" | "folded" | "empty" | "attached",
            Meta::Path(_),
        ) => Ok(quote!(.#name())),
        ("default", Meta::NameValue(pair)) => {
            let value = &pair.value;
            Ok(quote!(.default(|| ::vestibule_resource::json!(#value))))
        }
        ("on_delete", Meta::NameValue(pair)) => {
            let value = &pair.value;
            Ok(quote!(.on_delete(::vestibule_resource::OnDelete::#value)))
        }
        ("format", Meta::NameValue(pair)) => {
            let value = &pair.value;
            Ok(quote!(.format(::vestibule_resource::Format::#value)))
        }
        (
            "references" | "unique" | "label" | "column" | "computed" | "shown" | "language" | "shape" | "max" | "min",
            Meta::NameValue(pair),
        ) => {
            let value = &pair.value;
            Ok(quote!(.#name(#value)))
        }
        _ => Err(syn::Error::new(meta.span(), "not something that #[field(...)] takes")),
    }
}

fn doc_comment(field: &Field) -> String {
    let lines = field.attrs.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join(" ")
}
