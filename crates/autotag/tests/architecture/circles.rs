//! Modules of one crate do not depend on each other in a circle.
//!
//! A module is a file. It depends on the module that *defines* what it names by a path (`crate::..`, `super::..`,
//! `self::..`, a child module's name, or a name that a `use` brought). `mod` and re-exports (`pub use`) are not
//! dependencies of the module that has them: a module that names an item through a re-export depends on the module
//! behind it. So a parent may collect and re-export what its children define, and children may use what their
//! parent defines. A parent whose own code uses a child that uses the parent is a circle of two, and is listed
//! apart: a child that uses what its parent defines ties no modules together that are otherwise separate.

use crate::source::{self, Token};
use std::collections::{BTreeMap, BTreeSet};

/// A module by its path below the crate: empty for the root, `["rule", "path"]` for `rule/path.rs`.
pub(crate) type ModulePath = Vec<String>;

/// The circles of today: the crate, and all modules of the circle. Only ever remove from it: a circle that is not
/// listed fails the test, and so does an entry without its circle.
pub(crate) const KNOWN: &[(&str, &[&str])] = &[];

/// The parents of today that use children by which they are used: the crate, and the parent (`crate` is the root). As
/// [`KNOWN`], it only ever shrinks.
pub(crate) const KNOWN_PARENTS: &[(&str, &str)] = &[];

/// The files of one crate: module path and text.
pub(crate) struct Sources(pub(crate) Vec<(ModulePath, String)>);

/// The path of the module whose file is `file`, relative to `src`.
pub(crate) fn module_path(file: &str) -> ModulePath {
    let names = file.trim_end_matches(".rs").split('/');
    let names: ModulePath = names.filter(|name| *name != "mod").map(str::to_owned).collect();
    match names.as_slice() {
        [root] if root == "lib" || root == "main" => Vec::new(),
        _ => names,
    }
}

/// The names that a `use` brings into a module.
#[derive(Debug, Clone)]
struct Import {
    /// The name in this module; `*` for all.
    name: String,
    path: Vec<String>,
    /// `pub use`, `pub(crate) use`, ...
    is_reexport: bool,
    at: usize,
}

#[derive(Debug, Default)]
struct Module {
    imports: Vec<Import>,
    /// Names of items that the module defines.
    defines: BTreeSet<String>,
    /// Paths in its code, other than those of `use`.
    mentions: Vec<(Vec<String>, usize)>,
    code: String,
}

struct Krate {
    modules: BTreeMap<ModulePath, Module>,
}

/// A dependency of one module on another, with the line that shows it.
type Dependencies = BTreeMap<ModulePath, BTreeMap<ModulePath, usize>>;

/// One circle: its modules, and the lines by which each depends on others of the circle.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Circle {
    pub(crate) modules: Vec<String>,
    pub(crate) because: Vec<String>,
}

/// The faults of a crate.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Circles of modules, in which no child uses what its parent or another ancestor defines.
    pub(crate) circles: Vec<Circle>,
    /// An ancestor and a module below it that uses it, where the ancestor uses that module, directly or through others.
    pub(crate) parents: Vec<Circle>,
}

/// The circles of a crate.
pub(crate) fn circles(sources: &Sources) -> Found {
    let dependencies = Krate::of(sources).dependencies();
    let upward = |of: &ModulePath, on: &ModulePath| of.len() > on.len() && of.starts_with(on);
    let mut without_upward = dependencies.clone();
    for (of, all) in &mut without_upward {
        all.retain(|on, _| !upward(of, on));
    }
    let mut found = Found { circles: groups(&without_upward), parents: Vec::new() };
    for group in members_of_circles(&dependencies) {
        for parent in &group {
            let children = group.iter().filter(|child| upward(child, parent));
            let using = children.filter(|child| dependencies[**child].contains_key(*parent));
            found.parents.extend(using.map(|child| Circle {
                modules: vec![shown(parent), shown(child)],
                because: vec![format!("{} line {}", shown(child), dependencies[*child][*parent])],
            }));
        }
    }
    found
}

fn groups(dependencies: &Dependencies) -> Vec<Circle> {
    members_of_circles(dependencies).iter().map(|members| circle(members, dependencies)).collect()
}

/// The sets of modules each of which reaches all others of its set.
fn members_of_circles(dependencies: &Dependencies) -> Vec<Vec<&ModulePath>> {
    let reached: BTreeMap<&ModulePath, BTreeSet<&ModulePath>> =
        dependencies.keys().map(|module| (module, reachable(dependencies, module))).collect();
    let (mut circles, mut seen) = (Vec::new(), BTreeSet::new());
    for module in dependencies.keys().filter(|module| reached[module].contains(module)) {
        let others = reached[module].iter().copied();
        let members: Vec<&ModulePath> = others.filter(|other| reached[other].contains(module)).collect();
        if seen.insert(module) {
            seen.extend(&members);
            circles.push(members);
        }
    }
    circles
}

fn circle(members: &[&ModulePath], dependencies: &Dependencies) -> Circle {
    let because = members.iter().flat_map(|module| {
        let inside = dependencies[*module].iter().filter(|(other, _)| members.contains(other));
        inside.map(|(other, line)| format!("{} line {line} uses {}", shown(module), shown(other)))
    });
    Circle { modules: members.iter().map(|module| shown(module)).collect(), because: because.collect() }
}

fn shown(module: &ModulePath) -> String {
    if module.is_empty() { "crate".to_owned() } else { module.join("::") }
}

fn reachable<'d>(dependencies: &'d Dependencies, from: &ModulePath) -> BTreeSet<&'d ModulePath> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&ModulePath> = dependencies[from].keys().collect();
    while let Some(module) = open.pop() {
        if reached.insert(module) {
            open.extend(dependencies[module].keys());
        }
    }
    reached
}

impl Krate {
    fn of(sources: &Sources) -> Self {
        let modules = sources.0.iter().map(|(path, text)| (path.clone(), Module::of(text))).collect();
        Self { modules }
    }

    fn dependencies(&self) -> Dependencies {
        self.modules.iter().map(|(path, module)| (path.clone(), self.dependencies_of(path, module))).collect()
    }

    fn dependencies_of(&self, here: &ModulePath, module: &Module) -> BTreeMap<ModulePath, usize> {
        let mut found: BTreeMap<ModulePath, usize> = BTreeMap::new();
        let mut add = |target: Option<ModulePath>, at: usize| {
            if let Some(target) = target.filter(|target| target != here) {
                found.entry(target).or_insert_with(|| source::line(&module.code, at));
            }
        };
        for import in module.imports.iter().filter(|import| !import.is_reexport) {
            add(self.definer(here, &import.path), import.at);
        }
        for (path, at) in &module.mentions {
            add(self.definer(here, path), *at);
        }
        found
    }

    /// The module that defines what `path`, written in the module `here`, names. `None` for modules themselves and for
    /// what is not of this crate.
    fn definer(&self, here: &ModulePath, path: &[String]) -> Option<ModulePath> {
        self.resolve(here, path, 0)
    }

    fn resolve(&self, here: &ModulePath, path: &[String], depth: usize) -> Option<ModulePath> {
        let (first, rest) = path.split_first()?;
        if depth > 16 {
            return None;
        }
        match first.as_str() {
            "crate" => self.walk(Vec::new(), rest, depth),
            "self" => self.walk(here.clone(), rest, depth),
            "super" => {
                let parent = here.split_last().map(|(_, parent)| parent.to_vec())?;
                match rest.first().map(String::as_str) {
                    Some("super") => self.resolve(&parent, rest, depth + 1),
                    _ => self.walk(parent, rest, depth),
                }
            }
            name => {
                let mut child = here.clone();
                child.push(name.to_owned());
                if self.modules.contains_key(&child)
                    && !(rest.is_empty() && self.modules[here].defines.contains(name))
                {
                    return self.walk(child, rest, depth);
                }
                let import = self.modules[here].imports.iter().find(|import| import.name == name)?;
                let behind: Vec<String> = import.path.iter().chain(rest).cloned().collect();
                // `use name::..` of another crate leads back to the same name.
                if behind.first() == Some(first) { None } else { self.resolve(here, &behind, depth + 1) }
            }
        }
    }

    fn walk(&self, mut module: ModulePath, rest: &[String], depth: usize) -> Option<ModulePath> {
        let (name, behind) = rest.split_first()?;
        if name == "self" {
            return self.walk(module, behind, depth);
        }
        if name == "*" {
            return Some(module);
        }
        let mut child = module.clone();
        child.push(name.clone());
        if self.modules.contains_key(&child) {
            return self.walk(child, behind, depth);
        }
        let here = self.modules.get(&module)?;
        if !here.defines.contains(name) {
            if here.imports.iter().any(|import| import.name == *name) {
                return self.resolve(&module, rest, depth + 1);
            }
            let globs = here.imports.iter().filter(|import| import.name == "*");
            for glob in globs {
                let path: Vec<String> =
                    glob.path.iter().filter(|name| *name != "*").chain(rest).cloned().collect();
                if let Some(found) = self.resolve(&module, &path, depth + 1)
                    && self.modules[&found].defines.contains(name)
                {
                    module = found;
                    break;
                }
            }
        }
        Some(module)
    }
}

impl Module {
    fn of(text: &str) -> Self {
        let code = source::production_code(text);
        let mut module = Self::default();
        module.read(&source::tokens(&code));
        Self { code, ..module }
    }

    fn read(&mut self, tokens: &[Token<'_>]) {
        const DEFINE: [&str; 9] =
            ["struct", "enum", "trait", "fn", "const", "static", "type", "union", "macro_rules"];
        let mut at = 0;
        let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
        while let Some(token) = tokens.get(at) {
            let before = at.checked_sub(1).map_or("", text);
            if token.text == "use" && before != "." {
                let is_reexport = before == ")" || before == "pub";
                at = self.read_use(tokens, at + 1, &[], is_reexport);
            } else if DEFINE.contains(&token.text) {
                let name = if text(at + 1) == "!" { at + 2 } else { at + 1 };
                self.defines.insert(text(name).to_owned());
                at = name + 1;
            } else if token.is_name() && before != "." && before != "::" {
                let mut path = vec![token.text.to_owned()];
                while text(at + 1) == "::" && tokens.get(at + 2).is_some_and(Token::is_name) {
                    path.push(text(at + 2).to_owned());
                    at += 2;
                }
                at += 1;
                // A lower-case word alone is mostly a variable: it counts when it is called.
                let is_type = token.text.starts_with(char::is_uppercase);
                if path.len() > 1 || is_type || ["(", "!"].contains(&text(at)) {
                    self.mentions.push((path, token.at));
                }
            } else {
                at += 1;
            }
        }
    }

    /// Reads one tree of a `use`, from behind `use` or `{` or `,`; returns where it ends.
    fn read_use(
        &mut self,
        tokens: &[Token<'_>],
        mut at: usize,
        prefix: &[String],
        is_reexport: bool,
    ) -> usize {
        let mut path = prefix.to_vec();
        let text = |at: usize| tokens.get(at).map_or(";", |token| token.text);
        let start = tokens.get(at).map_or(0, |token| token.at);
        loop {
            match text(at) {
                "::" => at += 1,
                "{" => {
                    while text(at) != "}" && text(at) != ";" {
                        at = self.read_use(tokens, at + 1, &path, is_reexport);
                    }
                    return at + 1;
                }
                "as" => {
                    self.import(&path, Some(text(at + 1)), is_reexport, start);
                    return at + 2;
                }
                "," | "}" | ";" => {
                    self.import(&path, None, is_reexport, start);
                    return at;
                }
                name => {
                    path.push(name.to_owned());
                    at += 1;
                }
            }
        }
    }

    fn import(&mut self, path: &[String], alias: Option<&str>, is_reexport: bool, at: usize) {
        let mut path = path.to_vec();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if let Some(name) = alias.map(str::to_owned).or_else(|| path.last().cloned()) {
            self.imports.push(Import { name, path, is_reexport, at });
        }
    }
}

/// The differences between the findings in the crate `krate` and the known ones.
pub(crate) fn compare(
    krate: &str,
    found: &Found,
    known: &[(&str, &[&str])],
    known_parents: &[(&str, &str)],
) -> Vec<String> {
    const LISTS: &str = "the lists in crates/autotag/tests/architecture/circles.rs";
    let known: Vec<&[&str]> =
        known.iter().filter(|(of, _)| *of == krate).map(|(_, modules)| *modules).collect();
    let parents: Vec<&str> =
        known_parents.iter().filter(|(of, _)| *of == krate).map(|(_, parent)| *parent).collect();
    let new = found.circles.iter().filter(|circle| !known.iter().any(|modules| circle.modules == *modules));
    let mut broken: Vec<String> = new
        .map(|circle| {
            let (modules, because) = (circle.modules.join(", "), circle.because.join("\n    "));
            format!(
                "circle: {modules} of `{krate}` use each other; move what they share into a module of its own:\n    {because}"
            )
        })
        .collect();
    let new = found
        .parents
        .iter()
        .filter(|pair| !pair.modules.first().is_some_and(|it| parents.contains(&it.as_str())));
    broken.extend(new.map(|pair| {
        let (modules, because) = (pair.modules.join(" and "), pair.because.join(", "));
        format!(
            "circle: {modules} of `{krate}` use each other ({because}); move what the child uses into a module of its own, \
             or only re-export the child"
        )
    }));
    let gone = known.iter().filter(|modules| !found.circles.iter().any(|circle| circle.modules == **modules));
    broken.extend(gone.map(|modules| {
        format!("circle: `{krate}` has no circle of exactly {} any more; correct {LISTS}", modules.join(", "))
    }));
    let gone = parents.iter().filter(|parent| {
        !found.parents.iter().any(|pair| pair.modules.first().is_some_and(|it| it == *parent))
    });
    broken.extend(gone.map(|parent| {
        format!("circle: no child uses `{parent}` of `{krate}` in a circle any more; remove it from {LISTS}")
    }));
    broken
}

mod can_fail {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Found {
        let sources = files.iter().map(|(file, text)| (module_path(file), (*text).to_owned()));
        circles(&Sources(sources.collect()))
    }

    fn modules(circles: &[Circle]) -> Vec<Vec<&str>> {
        circles.iter().map(|circle| circle.modules.iter().map(String::as_str).collect()).collect()
    }

    const NONE: [[&str; 0]; 0] = [];

    const LIB: (&str, &str) = ("lib.rs", "pub mod a;\npub mod b;\n");

    #[test]
    fn a_circle_of_two_modules_is_found() {
        let by_use =
            [LIB, ("a.rs", "use crate::b::B;\npub struct A(B);"), ("b.rs", "pub struct B(crate::a::A);")];
        assert_eq!(modules(&found(&by_use).circles), [["a", "b"]]);
        let grouped = [
            LIB,
            ("a.rs", "use crate::{b::{self, C}};"),
            ("b.rs", "use super::a; fn f() { a::g() } struct C;"),
        ];
        assert_eq!(modules(&found(&grouped).circles), [["a", "b"]]);
    }

    #[test]
    fn a_circle_of_three_modules_is_found_with_its_reasons() {
        let found = found(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "\nuse crate::b::f;"),
            ("b.rs", "pub fn f() { crate::c::g() }"),
            ("c.rs", "pub fn g() { super::a::h() }"),
        ]);
        assert_eq!(modules(&found.circles), [["a", "b", "c"]]);
        assert_eq!(found.circles[0].because, ["a line 2 uses b", "b line 1 uses c", "c line 1 uses a"]);
    }

    #[test]
    fn a_circle_behind_a_re_export_is_found() {
        let found = found(&[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod x; mod y; pub use x::X; pub(crate) use y::*;"),
            ("a/x.rs", "use super::Y; pub struct X(Y);"),
            ("a/y.rs", "pub struct Y(Box<crate::a::X>);"),
        ]);
        assert_eq!(modules(&found.circles), [["a::x", "a::y"]]);
    }

    #[test]
    fn parent_and_child_that_use_each_other_are_found() {
        let child = ("a/x.rs", "use super::Shared; pub struct X(Shared);");
        for parent in [
            "mod x; pub struct Shared; fn f() -> x::X {}",
            "mod x; use x::X; pub struct Shared; struct Y(X);",
            "mod x; pub use x::X; pub struct Shared; struct Y(X);",
        ] {
            let found = found(&[("lib.rs", "mod a;"), ("a.rs", parent), child]);
            assert_eq!(modules(&found.parents), [["a", "a::x"]], "{parent}");
            assert_eq!(modules(&found.circles), NONE, "{parent}");
        }
    }

    #[test]
    fn a_parent_reached_from_its_child_through_others_is_found() {
        let found = found(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod x; pub struct A(crate::b::B);"),
            ("a/x.rs", "use super::A; pub struct X(A);"),
            ("b.rs", "pub struct B(crate::a::x::X);"),
        ]);
        assert_eq!(modules(&found.parents), [["a", "a::x"]]);
    }

    #[test]
    fn what_is_no_circle_is_let_through() {
        let child = ("a/x.rs", "use super::Shared; pub struct X(Shared);");
        for parent in [
            "mod x; pub use x::X; pub struct Shared;",
            "pub mod x; pub struct Shared; fn f(x: u8) -> u8 { x }",
        ] {
            let found = found(&[("lib.rs", "mod a; pub use a::X;"), ("a.rs", parent), child]);
            assert_eq!((modules(&found.circles), modules(&found.parents)), (vec![], vec![]), "{parent}");
        }
        let one_way = [
            LIB,
            ("a.rs", "pub struct A; // crate::b\n#[cfg(test)]\nmod tests { use crate::b::B; }"),
            ("b.rs", "use crate::a::A; use other::a::B; const TEXT: &str = \"crate::a\";"),
        ];
        assert_eq!(modules(&found(&one_way).circles), NONE);
    }

    #[test]
    fn the_lists_of_known_circles_have_to_be_exact() {
        let circle =
            |names: [&str; 2]| Circle { modules: names.map(str::to_owned).to_vec(), because: Vec::new() };
        let one = Found { circles: vec![circle(["a", "b"])], parents: vec![circle(["c", "c::d"])] };
        let broken =
            |known: &[(&str, &[&str])], parents: &[(&str, &str)]| compare("x", &one, known, parents).len();
        assert_eq!(broken(&[("x", &["a", "b"])], &[("x", "c")]), 0);
        assert_eq!(broken(&[("y", &["a", "b"])], &[("y", "c")]), 2);
        assert_eq!(broken(&[("x", &["a", "b", "e"])], &[("x", "c")]), 2);
        assert_eq!(broken(&[("x", &["a", "b"]), ("x", &["e", "f"])], &[("x", "c"), ("x", "e")]), 2);
    }
}
