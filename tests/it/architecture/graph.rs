//! Which source file imports from which, read from the source by its syntax.
//!
//! An import through a module that only re-exports counts as one of the file that defines what is imported. Code for tests
//! does not count.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use syn::{
    Attribute, Item, ItemMod, ItemUse, UseTree, Visibility,
    visit::{self, Visit},
};

/// The path of a module, from the crate's root.
pub(crate) type Module = Vec<String>;

/// The modules that are files, and what each of them imports.
pub(crate) struct Graph(BTreeMap<Module, BTreeSet<Module>>);

/// What a file says of others.
#[derive(Default)]
struct Source {
    children: BTreeSet<String>,
    /// By the name that it has here.
    exported: BTreeMap<String, Vec<String>>,
    paths: Vec<Vec<String>>,
}

impl Graph {
    /// That of all files under `root`.
    pub(crate) fn of(root: &Path) -> Self {
        let mut read = BTreeMap::new();
        for (file, text) in sources(root) {
            let path = Path::new(&file).strip_prefix(root).unwrap().with_extension("");
            let mut module: Module = path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            module.pop_if(|last| last == "mod" || last == "lib");
            let mut source = Source::default();
            source.visit_file(&syn::parse_file(&text).unwrap());
            read.insert(module, source);
        }
        let edges = |(module, source): (&Module, &Source)| {
            let absolute = source.paths.iter().filter_map(|path| absolute(module, source, path));
            let targets = absolute.map(|path| defining(&read, path));
            (module.clone(), targets.filter(|target| target != module && !target.is_empty()).collect())
        };
        Self(read.iter().map(edges).collect())
    }

    /// Each import, by the paths of the two modules.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (&Module, &Module)> {
        self.0.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to)))
    }

    /// A file and all files between which and it imports lead both ways, where there are some.
    pub(crate) fn circle(&self) -> Option<Vec<String>> {
        let reached: BTreeMap<&Module, BTreeSet<&Module>> =
            self.0.keys().map(|file| (file, self.reached(file))).collect();
        let file = self.0.keys().find(|file| reached[file].contains(file))?;
        let both = reached[file].iter().filter(|other| reached[**other].contains(file));
        Some(both.map(|module| module.join("/")).collect())
    }

    fn reached(&self, from: &Module) -> BTreeSet<&Module> {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&Module> = self.0[from].iter().collect();
        while let Some(module) = next.pop() {
            if reached.insert(module) {
                next.extend(&self.0[module]);
            }
        }
        reached
    }
}

/// `path` from the crate's root; `None` where it leads to another crate, or to what is imported by another path.
fn absolute(module: &Module, source: &Source, path: &[String]) -> Option<Vec<String>> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "super" => Some([&module[..module.len().checked_sub(ups)?], &path[ups..]].concat()),
        "self" => Some([&module[..], &path[1..]].concat()),
        child if source.children.contains(child) => Some([&module[..], path].concat()),
        _ => None,
    }
}

/// The file that defines what `path` leads to.
fn defining(sources: &BTreeMap<Module, Source>, path: Vec<String>) -> Module {
    let mut path = path;
    // As often as a re-export leads on, and not round for ever.
    for _ in 0..8 {
        let depth = (0..=path.len()).rev().find(|depth| sources.contains_key(&path[..*depth])).unwrap_or(0);
        let (module, rest) = (path[..depth].to_vec(), &path[depth..]);
        let exported = rest.first().and_then(|name| sources.get(&module)?.exported.get(name));
        let Some(next) = exported.and_then(|next| absolute(&module, &sources[&module], next)) else { return module };
        path = [&next[..], &rest[1..]].concat();
    }
    panic!("a re-export leads in a circle: {path:?}");
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if is_for_tests(&item.attrs) {
            return;
        }
        if item.content.is_none() {
            self.children.insert(item.ident.to_string());
        }
        visit::visit_item_mod(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if is_for_tests(&item.attrs) {
            return;
        }
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        if matches!(item.vis, Visibility::Inherited) {
            self.paths.extend(paths.into_iter().map(|(path, _)| path));
        } else {
            self.exported.extend(paths.into_iter().map(|(path, name)| (name, path)));
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

/// Each path that `tree` imports, and the name that it gives it.
fn flatten(tree: &UseTree, prefix: &mut Vec<String>, paths: &mut Vec<(Vec<String>, String)>) {
    let mut add = |last: String, name: String| {
        // `self` in braces is the module itself.
        let own = prefix.iter().cloned().chain((last != "self").then_some(last));
        let own: Vec<String> = own.collect();
        let name = if name == "self" { own.last().cloned().unwrap_or_default() } else { name };
        paths.push((own, name));
    };
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, paths);
            prefix.pop();
        }
        UseTree::Name(name) => add(name.ident.to_string(), name.ident.to_string()),
        UseTree::Rename(rename) => add(rename.ident.to_string(), rename.rename.to_string()),
        UseTree::Glob(_) => add("self".to_owned(), "self".to_owned()),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, prefix, paths)),
    }
}

/// The types that a file declares outside its tests.
#[derive(Default)]
pub(crate) struct TypeNames(pub Vec<String>);

impl TypeNames {
    /// Those of the file with this `text`.
    pub(crate) fn of(text: &str) -> Self {
        let mut names = Self::default();
        names.visit_file(&syn::parse_file(text).unwrap());
        names
    }
}

impl<'ast> Visit<'ast> for TypeNames {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = match item {
            Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            Item::Type(item) => (&item.attrs, Some(&item.ident)),
            Item::Mod(item) => (&item.attrs, None),
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            self.0.extend(name.map(ToString::to_string));
            visit::visit_item(self, item);
        }
    }
}

/// The sources under `path`, by their paths.
pub(super) fn sources(path: &Path) -> Vec<(String, String)> {
    if path.is_file() {
        return vec![(path.display().to_string(), fs::read_to_string(path).unwrap())];
    }
    fs::read_dir(path).unwrap().flat_map(|entry| sources(&entry.unwrap().path())).collect()
}

#[test]
fn a_circle_is_found_through_re_exports_and_not_through_tests() {
    let folder = std::env::temp_dir().join(format!("omotes-graph-{:016x}", fastrand::u64(..)));
    fs::create_dir_all(folder.join("a")).unwrap();
    let write = |file: &str, text: &str| fs::write(folder.join(file), text).unwrap();
    write("lib.rs", "mod a;");
    write("a/mod.rs", "mod b; mod c; pub use b::B; pub(crate) use c::{C as D};");
    write("a/b.rs", "use super::{D as E}; pub struct B;");
    write("a/c.rs", "#[cfg(test)] use super::B; pub struct C; #[cfg(test)] mod tests { use super::super::b; }");
    assert_eq!(Graph::of(&folder).circle(), None);
    write("a/c.rs", "pub struct C; fn f() -> crate::a::B { todo!() }");
    assert_eq!(Graph::of(&folder).circle(), Some(vec!["a/b".to_owned(), "a/c".to_owned()]));
    fs::remove_dir_all(folder).unwrap();
}
