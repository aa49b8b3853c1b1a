//! Expands the macros of the crate that define items, so that what they define is listed like any other item.
//!
//! A macro must have one rule. Repetitions may be nested, and separators are one character long.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::HashMap;
use std::iter::Peekable;
use syn::parse::{ParseStream, Parser};
use syn::{Item, Result, braced, bracketed, parenthesized};

/// What a macro's parameters stand for.
type Bindings = HashMap<String, Binding>;

#[derive(Clone)]
enum Binding {
    One(TokenStream),
    /// Inside a repetition: the bindings of each round.
    Each(Vec<Bindings>),
}

type Tokens = Peekable<proc_macro2::token_stream::IntoIter>;

/// The items that a macro with these rules makes of the `input`.
pub fn expand(rules: TokenStream, input: TokenStream) -> Result<Vec<Item>> {
    let mut groups = rules.into_iter().filter_map(|token| match token {
        TokenTree::Group(group) => Some(group.stream()),
        _ => None,
    });
    let (Some(pattern), Some(body), None) = (groups.next(), groups.next(), groups.next()) else {
        panic!("a macro that defines items must have one rule");
    };
    let mut bindings = Bindings::new();
    let read = |input: ParseStream| read(pattern.clone(), input, &mut bindings);
    Parser::parse2(read, input)?;
    let file: syn::File = syn::parse2(write(body, &bindings))?;
    Ok(file.items)
}

/// Reads from the `input` what the pattern describes.
fn read(pattern: TokenStream, input: ParseStream, bindings: &mut Bindings) -> Result<()> {
    let mut pattern = pattern.into_iter().peekable();
    while let Some(token) = pattern.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '$' => match pattern.next() {
                Some(TokenTree::Group(group)) => {
                    let separator = separator(&mut pattern);
                    read_rounds(group.stream(), separator.as_deref(), input, bindings)?;
                }
                Some(TokenTree::Ident(name)) => {
                    pattern.next(); // the colon
                    let kind = pattern.next().expect("a parameter has a kind");
                    let value = fragment(&kind.to_string(), input)?;
                    bindings.insert(name.to_string(), Binding::One(value));
                }
                _ => return Err(input.error("a pattern that is not understood")),
            },
            TokenTree::Group(group) => {
                let inside;
                match group.delimiter() {
                    Delimiter::Brace => drop(braced!(inside in input)),
                    Delimiter::Bracket => drop(bracketed!(inside in input)),
                    _ => drop(parenthesized!(inside in input)),
                }
                read(group.stream(), &inside, bindings)?;
                if !inside.is_empty() {
                    return Err(inside.error("more than the pattern has"));
                }
            }
            expected => {
                let found: TokenTree = input.parse()?;
                if found.to_string() != expected.to_string() {
                    return Err(input.error(format!("no {expected} before this")));
                }
            }
        }
    }
    Ok(())
}

/// Reads the pattern of a repetition as often as it fits.
fn read_rounds(
    pattern: TokenStream,
    separator: Option<&str>,
    input: ParseStream,
    bindings: &mut Bindings,
) -> Result<()> {
    use syn::parse::discouraged::Speculative;
    let mut rounds = Vec::new();
    while !input.is_empty() {
        let (attempt, mut round) = (input.fork(), Bindings::new());
        if read(pattern.clone(), &attempt, &mut round).is_err() {
            break;
        }
        input.advance_to(&attempt);
        rounds.push(round);
        if let Some(separator) = separator {
            let next = input.fork().parse::<TokenTree>();
            if !next.is_ok_and(|token| token.to_string() == separator) {
                break;
            }
            input.parse::<TokenTree>()?;
        }
    }
    for name in parameters(pattern) {
        bindings.insert(name, Binding::Each(rounds.clone()));
    }
    Ok(())
}

/// Reads one fragment of the kind that stands behind the colon of a parameter.
fn fragment(kind: &str, input: ParseStream) -> Result<TokenStream> {
    Ok(match kind {
        "ident" => input.parse::<syn::Ident>()?.into_token_stream(),
        "literal" => input.parse::<syn::Lit>()?.into_token_stream(),
        "meta" => input.parse::<syn::Meta>()?.into_token_stream(),
        "ty" => input.parse::<syn::Type>()?.into_token_stream(),
        "expr" => input.parse::<syn::Expr>()?.into_token_stream(),
        _ => panic!("add the fragment `{kind}` to the test"),
    })
}

/// Takes what stands behind the parentheses of a repetition: its separator, if it has one, and its operator.
fn separator(tokens: &mut Tokens) -> Option<String> {
    let first = tokens.next().expect("a repetition has an operator");
    if ["*", "+", "?"].contains(&first.to_string().as_str()) {
        return None;
    }
    tokens.next();
    Some(first.to_string())
}

/// The names of the parameters in a pattern or a body.
fn parameters(tokens: TokenStream) -> Vec<String> {
    let mut names = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match (token, tokens.peek()) {
            (TokenTree::Punct(mark), Some(TokenTree::Ident(name))) if mark.as_char() == '$' => {
                names.push(name.to_string());
            }
            (TokenTree::Group(group), _) => names.extend(parameters(group.stream())),
            _ => {}
        }
    }
    names
}

/// The body with values in place of its parameters.
fn write(body: TokenStream, bindings: &Bindings) -> TokenStream {
    let mut written = TokenStream::new();
    let mut body = body.into_iter().peekable();
    while let Some(token) = body.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '$' => match body.next() {
                Some(TokenTree::Group(group)) => {
                    let separator = separator(&mut body);
                    written.extend(write_rounds(group.stream(), separator, bindings));
                }
                Some(TokenTree::Ident(name)) => match bindings.get(&name.to_string()) {
                    Some(Binding::One(value)) => written.extend(value.clone()),
                    _ => written.extend([TokenTree::Ident(name)]), // the `crate` of `$crate`
                },
                _ => panic!("a dollar sign without a name"),
            },
            TokenTree::Group(group) => {
                let inside = write(group.stream(), bindings);
                written.extend([TokenTree::Group(Group::new(group.delimiter(), inside))]);
            }
            other => written.extend([other]),
        }
    }
    written
}

/// The body of a repetition, once for each round in which its parameters were read.
fn write_rounds(body: TokenStream, separator: Option<String>, bindings: &Bindings) -> TokenStream {
    let rounds = (parameters(body.clone()).iter())
        .find_map(|name| match bindings.get(name) {
            Some(Binding::Each(rounds)) => Some(rounds),
            _ => None,
        })
        .expect("a repetition has a parameter that is repeated");
    let mut written = TokenStream::new();
    for (at, round) in rounds.iter().enumerate() {
        if at > 0
            && let Some(separator) = &separator
        {
            written.extend(separator.parse::<TokenStream>());
        }
        let mut inside = bindings.clone();
        inside.extend(round.clone());
        written.extend(write(body.clone(), &inside));
    }
    written
}
