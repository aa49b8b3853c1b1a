//! Items as lines of text, without their bodies, comments and attributes.

use quote::quote;
use syn::{
    Fields, FnArg, Generics, ImplItem, Item, ItemImpl, Pat, Signature, TraitItem, Type, Visibility,
};

/// An item on one line.
fn one_line(item: Item) -> String {
    let text = prettyplease::unparse(&syn::File {
        shebang: None,
        attrs: vec![],
        items: vec![item],
    });
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // What remains of line breaks.
    for (broken, whole) in [
        ("( ", "("),
        (", )", ")"),
        ("< ", "<"),
        (", >", ">"),
        (", }", " }"),
    ] {
        line = line.replace(broken, whole);
    }
    let line = line.trim_end_matches("{}").trim_end_matches(';').trim_end();
    line.trim_end_matches(',').to_owned()
}

/// Parses an item that the test made up.
fn line_of(tokens: proc_macro2::TokenStream) -> String {
    one_line(syn::parse2(tokens).expect("an item"))
}

pub fn of_type(ty: &Type) -> String {
    let line = line_of(quote!(type T = #ty;));
    line["type T = ".len()..].to_owned()
}

/// `fn path<parameters>(arguments) -> result`
pub fn function(signature: &Signature, path: &str) -> String {
    let mut signature = signature.clone();
    for input in &mut signature.inputs {
        match input {
            // `mut` concerns the body.
            FnArg::Receiver(receiver) if receiver.reference.is_none() => receiver.mutability = None,
            FnArg::Typed(typed) => {
                if let Pat::Ident(name) = &mut *typed.pat {
                    name.mutability = None;
                }
            }
            FnArg::Receiver(_) => {}
        }
    }
    let line = line_of(quote!(#signature {}));
    let name = format!("fn {}", signature.ident);
    line.replacen(&name, &format!("fn {path}"), 1)
}

/// `kind path<parameters> where …`
pub fn head(kind: &str, path: &str, generics: &Generics) -> String {
    let conditions = &generics.where_clause;
    let line = line_of(quote!(struct X #generics #conditions;));
    line.replacen("struct X", &format!("{kind} {path}"), 1)
}

/// What stands behind the name of a variant.
pub fn variant_fields(fields: &Fields) -> String {
    let types = fields.iter().map(|field| {
        let ty = of_type(&field.ty);
        match &field.ident {
            Some(name) => format!("{name}: {ty}"),
            None => ty,
        }
    });
    let types = types.collect::<Vec<_>>().join(", ");
    match fields {
        Fields::Named(_) => format!(" {{ {types} }}"),
        Fields::Unnamed(_) => format!("({types})"),
        Fields::Unit => String::new(),
    }
}

/// `trait path<parameters>: traits`
pub fn trait_head(item: &syn::ItemTrait, path: &str) -> String {
    let name = format!("trait {}", item.ident);
    let head = syn::ItemTrait {
        attrs: vec![],
        vis: Visibility::Inherited,
        items: vec![],
        ..item.clone()
    };
    one_line(Item::Trait(head)).replacen(&name, &format!("trait {path}"), 1)
}

/// The name of an item of a trait, and its line with this path before the name. What the trait provides ends in `…`.
pub fn trait_item(item: &TraitItem, path: &str) -> Option<(String, String)> {
    let (name, line, provided) = match item {
        TraitItem::Fn(item) => {
            let name = item.sig.ident.to_string();
            let line = function(&item.sig, &format!("{path}::{name}"));
            (name, line, item.default.is_some().then_some(" { … }"))
        }
        TraitItem::Const(item) => {
            let (name, ty) = (item.ident.to_string(), of_type(&item.ty));
            let line = format!("const {path}::{name}: {ty}");
            (name, line, item.default.is_some().then_some(" = …"))
        }
        TraitItem::Type(item) => {
            let (name, bounds) = (item.ident.to_string(), &item.bounds);
            let line = line_of(quote!(trait X: #bounds {}));
            let line = line.replacen("trait X", &format!("type {path}::{name}"), 1);
            (name, line, item.default.is_some().then_some(" = …"))
        }
        _ => return None,
    };
    Some((name, line + provided.unwrap_or_default()))
}

/// `impl<parameters> Trait for path<arguments>`: traits by their last name, types of the crate by the path that is given. The
/// types that the trait lets an implementation choose stand in braces.
pub fn impl_head(item: &ItemImpl, path: Option<&str>) -> String {
    let mut head = ItemImpl {
        attrs: vec![],
        items: vec![],
        ..item.clone()
    };
    if let Some((_, of, _)) = &mut head.trait_ {
        *of = of.segments.last().expect("a name").clone().into();
    }
    if let (Some(path), Type::Path(own)) = (path, &mut *head.self_ty) {
        let mut path: syn::Path = syn::parse_str(path).expect("a path");
        let arguments = own.path.segments.last().map(|last| last.arguments.clone());
        path.segments.last_mut().expect("a name").arguments = arguments.unwrap_or_default();
        own.path = path;
    }
    let chosen = item.items.iter().filter_map(|item| match item {
        ImplItem::Type(item) => Some(format!("type {} = {}", item.ident, of_type(&item.ty))),
        _ => None,
    });
    let chosen = chosen.collect::<Vec<_>>().join("; ");
    let head = one_line(Item::Impl(head));
    if chosen.is_empty() {
        return head;
    }
    format!("{head} {{ {chosen} }}")
}

pub fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}
