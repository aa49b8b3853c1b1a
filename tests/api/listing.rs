//! Lists what users of the crate can reach.

use super::source::{
    ModuleId, Source, Target, attributes, definition, imports, is_for_tests, is_hidden,
    is_non_exhaustive,
};
use super::text::{self, is_public};
use std::collections::{BTreeMap, BTreeSet};
use syn::{Attribute, ImplItem, Item, ItemImpl, ItemStruct, Type};

type Path = Vec<String>;

/// The public items of a crate.
struct Listing<'a> {
    source: &'a Source,
    /// Under which paths users find each item and each module.
    places: BTreeMap<Target, BTreeSet<Path>>,
    /// Each line behind what it is sorted by: its path, and whether it is an implementation.
    lines: BTreeSet<(Path, bool, String)>,
}

/// The lines of the public items of this crate, sorted by their paths.
pub fn lines(source: &Source, name: &str) -> Vec<String> {
    let listing = Listing::new(source, name);
    let lines = listing.lines.into_iter().map(|(.., line)| line);
    lines.fold(vec![], with_traits_together)
}

/// Adds a line. `impl A for X` and `impl B for X` become `impl A, B for X`.
fn with_traits_together(mut lines: Vec<String>, line: String) -> Vec<String> {
    if let Some((traits, last)) = lines.last().and_then(|last| plain_impl(last))
        && let Some((another, path)) = plain_impl(&line)
        && path == last
    {
        let together = format!("impl {traits}, {another} for {path}");
        lines.pop();
        lines.push(together);
    } else {
        lines.push(line);
    }
    lines
}

/// The trait and the type of an implementation without parameters and without contents.
fn plain_impl(line: &str) -> Option<(&str, &str)> {
    let (name, path) = line.strip_prefix("impl ")?.split_once(" for ")?;
    (!path.contains(' ')).then_some((name, path))
}

impl<'a> Listing<'a> {
    fn new(source: &'a Source, name: &str) -> Self {
        let mut listing = Self {
            source,
            places: BTreeMap::new(),
            lines: BTreeSet::new(),
        };
        listing.visit(0, &vec![name.to_owned()], &mut vec![]);
        listing.list_items();
        for module in 0..source.modules.len() {
            for item in &source.modules[module].items {
                if let Item::Impl(item) = item {
                    listing.list_impl(module, item);
                }
            }
        }
        listing
    }

    fn add(&mut self, path: &[String], line: String) {
        self.lines.insert((path.to_vec(), false, line));
    }

    fn add_impl(&mut self, path: &[String], line: String) {
        self.lines.insert((path.to_vec(), true, line));
    }

    /// Notes under which paths the contents of a public module are found. `open` has the modules on the way to it.
    fn visit(&mut self, module: ModuleId, path: &Path, open: &mut Vec<ModuleId>) {
        if open.contains(&module) {
            return;
        }
        open.push(module);
        let source = self.source;
        for (at, item) in source.modules[module].items.iter().enumerate() {
            match item {
                _ if is_hidden(attributes(item)) => {}
                Item::Use(item) if is_public(&item.vis) => {
                    for import in imports(item) {
                        let targets = source.resolve(module, &import.path);
                        if targets.is_empty() {
                            let line = import.path.join("::");
                            let path = joined(path, &import.name);
                            self.add(&path, format!("use {} = {line}", path.join("::")));
                        }
                        for target in targets {
                            self.place(target, path, &import.name, open);
                        }
                    }
                }
                Item::Mod(item) if is_public(&item.vis) => {
                    let name = item.ident.to_string();
                    let target = Target::Module(source.child(module, &name));
                    self.place(target, path, &name, open);
                }
                _ => {
                    if let Some(name) = public_name(item) {
                        self.place(Target::Item(module, at), path, &name, open);
                    }
                }
            }
        }
        open.pop();
    }

    /// Notes that a public module at this path has this target under this name.
    fn place(&mut self, target: Target, path: &Path, name: &str, open: &mut Vec<ModuleId>) {
        match (target, name) {
            (Target::Module(module), "*") => return self.visit(module, path, open),
            (Target::Item(module, at), _) => {
                assert_ne!(name, "*", "the list cannot follow `*` of an enum");
                if public_name(self.source.item(module, at)).is_none() {
                    return;
                }
            }
            (Target::Module(_), _) => {}
        }
        let path = joined(path, name);
        self.places.entry(target).or_default().insert(path.clone());
        if let Target::Module(module) = target {
            self.visit(module, &path, open);
        }
    }

    /// The path that an item is listed under: the shortest, and of those the first.
    fn home(&self, target: Target) -> Option<&Path> {
        let paths = self.places.get(&target)?;
        paths.iter().min_by_key(|path| path.len())
    }

    fn list_items(&mut self) {
        for (target, paths) in self.places.clone() {
            let home = self.home(target).expect("it has a path").clone();
            for other in paths.iter().filter(|&path| *path != home) {
                let line = format!("use {} = {}", other.join("::"), home.join("::"));
                self.add(other, line);
            }
            match target {
                Target::Module(_) => self.add(&home, format!("mod {}", home.join("::"))),
                Target::Item(module, at) => self.list_item(&home, self.source.item(module, at)),
            }
        }
    }

    fn list_item(&mut self, path: &Path, item: &Item) {
        let name = path.join("::");
        match item {
            Item::Const(item) => self.add(path, constant("const", &name, &item.ty)),
            Item::Static(item) => self.add(path, constant("static", &name, &item.ty)),
            Item::Fn(item) => self.add(path, text::function(&item.sig, &name)),
            Item::Type(item) => {
                let head = text::head("type", &name, &item.generics);
                self.add(path, format!("{head} = {}", text::of_type(&item.ty)));
            }
            Item::Struct(item) => {
                self.list_fields(path, item);
                self.list_derived(path, &item.attrs);
                self.list_from(path, item.fields.iter());
            }
            Item::Enum(item) => {
                let mut line = text::head("enum", &name, &item.generics);
                if is_non_exhaustive(&item.attrs) {
                    line += " { more to come }";
                }
                self.add(path, line);
                for variant in &item.variants {
                    let path = joined(path, &variant.ident.to_string());
                    let fields = text::variant_fields(&variant.fields);
                    self.add(&path, format!("variant {}{fields}", path.join("::")));
                }
                self.list_derived(path, &item.attrs);
                self.list_from(path, item.variants.iter().flat_map(|v| &v.fields));
            }
            Item::Trait(item) => {
                self.add(path, text::trait_head(item, &name));
                for (own, line) in item.items.iter().filter_map(|i| text::trait_item(i, &name)) {
                    self.add(&joined(path, &own), line);
                }
            }
            _ => panic!("{name}: the list has no lines for items of this kind"),
        }
    }

    fn list_fields(&mut self, path: &Path, item: &ItemStruct) {
        let mut line = text::head("struct", &path.join("::"), &item.generics);
        if item.fields.iter().any(|field| !is_public(&field.vis)) {
            line += " { private fields }";
        }
        self.add(path, line);
        for (at, field) in item.fields.iter().enumerate() {
            if is_public(&field.vis) {
                let name = field.ident.as_ref().map(|name| name.to_string());
                let path = joined(path, &name.unwrap_or(at.to_string()));
                self.add(&path, constant("field", &path.join("::"), &field.ty));
            }
        }
    }

    /// Lists the traits that are derived. `thiserror` implements a second one.
    fn list_derived(&mut self, path: &Path, attributes: &[Attribute]) {
        for attribute in attributes.iter().filter(|a| a.path().is_ident("derive")) {
            let _ = attribute.parse_nested_meta(|derived| {
                let name = &derived.path.segments.last().expect("a name").ident;
                let of = path.join("::");
                self.add_impl(path, format!("impl {name} for {of}"));
                if name == "Error" {
                    self.add_impl(path, format!("impl Display for {of}"));
                }
                Ok(())
            });
        }
    }

    /// Lists the conversions that `thiserror` makes for fields with `#[from]`.
    fn list_from<'f>(&mut self, path: &Path, fields: impl Iterator<Item = &'f syn::Field>) {
        for field in fields {
            if field.attrs.iter().any(|a| a.path().is_ident("from")) {
                let ty = text::of_type(&field.ty);
                self.add_impl(path, format!("impl From<{ty}> for {}", path.join("::")));
            }
        }
    }

    /// Lists an implementation for a public type, or of a public trait of this crate for a type of another one.
    fn list_impl(&mut self, module: ModuleId, item: &ItemImpl) {
        let own_trait = item.trait_.as_ref().map(|(_, path, _)| path);
        let own_trait = own_trait.map_or(vec![], |path| self.targets(module, path));
        let own_type = match &*item.self_ty {
            Type::Path(ty) => self.targets(module, &ty.path),
            _ => vec![],
        };
        let find = |targets: &[Target]| targets.iter().find_map(|&target| self.home(target));
        if find(&own_trait).is_none() && !own_trait.is_empty() {
            return; // a private trait
        }
        if let Some(path) = find(&own_type).cloned() {
            self.list_impl_for(&path, item);
        } else if own_type.is_empty()
            && let Some(path) = find(&own_trait).cloned()
        {
            self.add_impl(&path, text::impl_head(item, None));
        }
    }

    fn list_impl_for(&mut self, path: &Path, item: &ItemImpl) {
        let head = text::impl_head(item, Some(&path.join("::")));
        if item.trait_.is_some() {
            return self.add_impl(path, head);
        }
        let before = self.lines.len();
        for item in &item.items {
            let (name, line) = match item {
                ImplItem::Fn(item)
                    if is_public(&item.vis)
                        && !is_for_tests(&item.attrs)
                        && !is_hidden(&item.attrs) =>
                {
                    let path = joined(path, &item.sig.ident.to_string());
                    let line = text::function(&item.sig, &path.join("::"));
                    (path, line)
                }
                ImplItem::Const(item) if is_public(&item.vis) => {
                    let path = joined(path, &item.ident.to_string());
                    let line = constant("const", &path.join("::"), &item.ty);
                    (path, line)
                }
                _ => continue,
            };
            self.add(&name, line);
        }
        if self.lines.len() > before && !item.generics.params.is_empty() {
            self.add_impl(path, head);
        }
    }

    /// What a path in this module leads to, if it is of this crate.
    fn targets(&self, module: ModuleId, path: &syn::Path) -> Vec<Target> {
        let names: Path = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.source.resolve(module, &names)
    }
}

fn constant(kind: &str, name: &str, ty: &Type) -> String {
    format!("{kind} {name}: {}", text::of_type(ty))
}

fn joined(path: &[String], name: &str) -> Path {
    [path, &[name.to_owned()]].concat()
}

/// The name of an item that its module shows to everybody.
fn public_name(item: &Item) -> Option<String> {
    let (name, visibility) = definition(item)?;
    is_public(visibility).then(|| name.to_string())
}
