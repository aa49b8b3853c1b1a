//! The source as a tree of modules, and what a name means in each of them.

use super::macros;
use proc_macro2::TokenStream;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use syn::{Attribute, Ident, Item, ItemUse, UseTree, Visibility};

/// A module is known by its place in [`Source::modules`]; the first one is the crate.
pub type ModuleId = usize;

pub struct Module {
    parent: Option<ModuleId>,
    children: BTreeMap<String, ModuleId>,
    /// With those that macros define, without those for tests.
    pub items: Vec<Item>,
}

pub struct Source {
    pub modules: Vec<Module>,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Module(ModuleId),
    /// The item at this place of the module's items.
    Item(ModuleId, usize),
}

/// One name that a `use` brings in; the name of all is `*`.
pub struct Import {
    pub path: Vec<String>,
    pub name: String,
}

impl Source {
    /// The crate whose root is this file.
    pub fn of_files(root: &Path) -> Self {
        let text = read_file(root);
        Self::of_text(&text, root.parent().expect("a file lies in a folder"))
    }

    /// The crate with this root. Its modules are in the `folder` unless they are written inside.
    pub fn of_text(text: &str, folder: &Path) -> Self {
        let mut source = Self { modules: vec![] };
        source.add(None, parse(text), folder);
        source
    }

    fn add(&mut self, parent: Option<ModuleId>, items: Vec<Item>, folder: &Path) -> ModuleId {
        let id = self.modules.len();
        self.modules.push(Module {
            parent,
            children: BTreeMap::new(),
            items: vec![],
        });
        let mut items = expanded(items);
        items.retain(|item| !is_for_tests(attributes(item)));
        for item in &mut items {
            if let Item::Mod(module) = item {
                let name = module.ident.to_string();
                let inside = folder.join(&name);
                let contents = match module.content.take() {
                    Some((_, items)) => items,
                    None => {
                        let file = inside.with_extension("rs");
                        let other = inside.join("mod.rs");
                        parse(&read_file(if file.exists() { &file } else { &other }))
                    }
                };
                let child = self.add(Some(id), contents, &inside);
                self.modules[id].children.insert(name, child);
            }
        }
        self.modules[id].items = items;
        id
    }

    pub fn item(&self, module: ModuleId, at: usize) -> &Item {
        &self.modules[module].items[at]
    }

    pub fn child(&self, module: ModuleId, name: &str) -> ModuleId {
        self.modules[module].children[name]
    }

    /// What this path means in this module. A name may stand for several things, such as a module and a function; nothing is
    /// found for names of other crates.
    pub fn resolve(&self, module: ModuleId, path: &[String]) -> Vec<Target> {
        self.follow(module, path, &mut vec![])
    }

    fn follow(&self, module: ModuleId, path: &[String], passed: &mut Passed) -> Vec<Target> {
        let Some((first, rest)) = path.split_first() else {
            return vec![Target::Module(module)];
        };
        let start = match first.as_str() {
            "crate" => 0,
            "self" => module,
            "super" => self.modules[module].parent.unwrap_or(0),
            name => {
                let found = self.named(module, name, passed);
                if rest.is_empty() {
                    return found;
                }
                let modules = found.into_iter().filter_map(|target| match target {
                    Target::Module(module) => Some(module),
                    Target::Item(..) => None,
                });
                return modules
                    .flat_map(|module| self.follow(module, rest, passed))
                    .collect();
            }
        };
        self.follow(start, rest, passed)
    }

    /// What has this name in a module: its items and what it imports. The imports that were passed on the way are left out,
    /// so that nobody goes in circles.
    fn named(&self, module: ModuleId, name: &str, passed: &mut Passed) -> Vec<Target> {
        let mut found = vec![];
        for (at, item) in self.modules[module].items.iter().enumerate() {
            match item {
                Item::Mod(child) if child.ident == name => {
                    found.push(Target::Module(self.child(module, name)));
                }
                Item::Use(import) => {
                    for import in imports(import) {
                        let here = (module, import.path.clone());
                        let fits = import.name == name || import.name == "*";
                        if fits && !passed.contains(&here) {
                            let mut path = import.path;
                            path.extend((import.name == "*").then(|| name.to_owned()));
                            passed.push(here);
                            found.extend(self.follow(module, &path, passed));
                            passed.pop();
                        }
                    }
                }
                _ if definition(item).is_some_and(|(own, _)| own == name) => {
                    found.push(Target::Item(module, at));
                }
                _ => {}
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

/// The imports on the way to a name: each by its module and its path.
type Passed = Vec<(ModuleId, Vec<String>)>;

fn read_file(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn parse(text: &str) -> Vec<Item> {
    syn::parse_file(text).expect("source that compiles").items
}

/// The items, with those that a macro of the same file defines in place of its calls.
fn expanded(items: Vec<Item>) -> Vec<Item> {
    let mut rules: HashMap<String, TokenStream> = HashMap::new();
    let mut all = vec![];
    for item in items {
        match item {
            // The standard library's. The statics in it are private here.
            Item::Macro(item) if item.mac.path.is_ident("thread_local") => {}
            Item::Macro(item) => match item.ident {
                Some(name) => drop(rules.insert(name.to_string(), item.mac.tokens)),
                None => {
                    let name = item.mac.path.segments.last().map(|s| s.ident.to_string());
                    let name = name.expect("a macro has a name");
                    let rules = rules.get(&name);
                    let rules = rules.unwrap_or_else(|| panic!("{name}! is not in its file"));
                    match macros::expand(rules.clone(), item.mac.tokens) {
                        Ok(items) => all.extend(items),
                        Err(error) => panic!("{name}! cannot be expanded: {error}"),
                    }
                }
            },
            other => all.push(other),
        }
    }
    all
}

/// Whether an item is there for tests only.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    has(attributes, "cfg", "test")
}

/// Whether an item is public, but not meant for users: `#[doc(hidden)]`.
pub fn is_hidden(attributes: &[Attribute]) -> bool {
    has(attributes, "doc", "hidden")
}

/// Whether one of the attributes is `#[name(argument)]`.
fn has(attributes: &[Attribute], name: &str, argument: &str) -> bool {
    (attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident(name)))
    .filter_map(|attribute| attribute.parse_args::<syn::Path>().ok())
    .any(|found| found.is_ident(argument))
}

/// Whether later versions may have more variants.
pub fn is_non_exhaustive(attributes: &[Attribute]) -> bool {
    (attributes.iter()).any(|attribute| attribute.path().is_ident("non_exhaustive"))
}

/// The names that a `use` brings in.
pub fn imports(item: &ItemUse) -> Vec<Import> {
    fn collect(tree: &UseTree, before: &[String], all: &mut Vec<Import>) {
        let with = |name: &Ident| [before, &[name.to_string()]].concat();
        let (path, name) = match tree {
            UseTree::Path(path) => return collect(&path.tree, &with(&path.ident), all),
            UseTree::Group(group) => {
                return group
                    .items
                    .iter()
                    .for_each(|tree| collect(tree, before, all));
            }
            UseTree::Name(name) if name.ident == "self" => {
                (before.to_vec(), before.last().cloned().unwrap_or_default())
            }
            UseTree::Name(name) => (with(&name.ident), name.ident.to_string()),
            UseTree::Rename(rename) => (with(&rename.ident), rename.rename.to_string()),
            UseTree::Glob(_) => (before.to_vec(), "*".to_owned()),
        };
        all.push(Import { path, name });
    }
    let mut all = vec![];
    collect(&item.tree, &[], &mut all);
    all
}

/// The name that an item defines, and who sees it. Modules and imports are not asked for here.
pub fn definition(item: &Item) -> Option<(&Ident, &Visibility)> {
    match item {
        Item::Const(item) => Some((&item.ident, &item.vis)),
        Item::Enum(item) => Some((&item.ident, &item.vis)),
        Item::Fn(item) => Some((&item.sig.ident, &item.vis)),
        Item::Static(item) => Some((&item.ident, &item.vis)),
        Item::Struct(item) => Some((&item.ident, &item.vis)),
        Item::Trait(item) => Some((&item.ident, &item.vis)),
        Item::Type(item) => Some((&item.ident, &item.vis)),
        Item::Union(item) => Some((&item.ident, &item.vis)),
        _ => None,
    }
}

pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
