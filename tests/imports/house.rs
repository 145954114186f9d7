//! All files of `src/`, and what they import from each other.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use crate::source::{Module, Written};

/// The library's name, by which the program takes from it.
const LIBRARY: &str = "chatroom";

/// A file takes a name from another file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub from: String,
    pub to: String,
    pub name: String,
    pub line: usize,
}

/// A file names another crate.
#[derive(Debug)]
pub struct External {
    pub file: String,
    pub krate: String,
    pub line: usize,
}

/// The files, and their modules in one list.
#[derive(Default)]
pub struct House {
    texts: BTreeMap<String, String>,
    modules: Vec<Node>,
    /// The library's root.
    library: Option<usize>,
    pub imports: BTreeSet<Import>,
    pub externals: Vec<External>,
}

struct Node {
    file: String,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    module: Module,
}

/// What a path leads to.
enum Found {
    Module(usize),
    /// An item of this module.
    Item(usize, String),
    Crate(String),
    Nothing,
}

impl House {
    /// Reads the files below `root/src`.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut texts = BTreeMap::new();
        let mut folders = vec![root.join("src")];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir()? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|it| it == "rs") {
                    let below = path.strip_prefix(root).map_err(io::Error::other)?;
                    let name = below.to_string_lossy().into_owned();
                    texts.insert(name, std::fs::read_to_string(&path)?);
                }
            }
        }
        Self::of(texts).map_err(io::Error::other)
    }

    /// Takes the texts by the files' names, such as `src/room/mod.rs`.
    pub fn of(texts: BTreeMap<String, String>) -> Result<Self, String> {
        let mut house = Self {
            texts,
            ..Self::default()
        };
        for root in ["src/lib.rs", "src/main.rs"] {
            if house.texts.contains_key(root) {
                let root_id = house.load(root, "src/", None)?;
                house.library = house.library.or(root_id);
            }
        }
        house.connect();
        Ok(house)
    }

    pub fn text(&self, file: &str) -> String {
        self.texts.get(file).cloned().unwrap_or_default()
    }

    pub fn has_folder(&self, folder: &str) -> bool {
        self.texts.keys().any(|file| file.starts_with(folder))
    }

    /// Reads a file and the files of its children, which are in `folder`.
    fn load(
        &mut self,
        file: &str,
        folder: &str,
        parent: Option<usize>,
    ) -> Result<Option<usize>, String> {
        let read = Module::read(&self.text(file)).map_err(|error| format!("{file}: {error}"))?;
        match read {
            Some(module) => self.add(module, file, folder, parent).map(Some),
            None => Ok(None),
        }
    }

    fn add(
        &mut self,
        mut module: Module,
        file: &str,
        folder: &str,
        parent: Option<usize>,
    ) -> Result<usize, String> {
        let id = self.modules.len();
        let inline = std::mem::take(&mut module.inline);
        let declared = std::mem::take(&mut module.declared);
        self.modules.push(Node {
            file: file.to_owned(),
            parent,
            children: BTreeMap::new(),
            module,
        });
        for (name, inner) in inline {
            let below = format!("{folder}{name}/");
            let child = self.add(inner, file, &below, Some(id))?;
            self.modules[id].children.insert(name, child);
        }
        for name in declared {
            let below = format!("{folder}{name}/");
            let beside = format!("{folder}{name}.rs");
            let inside = format!("{below}mod.rs");
            let file = if self.texts.contains_key(&beside) {
                beside
            } else {
                inside
            };
            // One that is made by the build is not there.
            if self.texts.contains_key(&file)
                && let Some(child) = self.load(&file, &below, Some(id))?
            {
                self.modules[id].children.insert(name, child);
            }
        }
        Ok(id)
    }

    fn connect(&mut self) {
        for id in 0..self.modules.len() {
            let node = &self.modules[id];
            let module = &node.module;
            let mut imports = BTreeSet::new();
            let mut externals = Vec::new();
            for (written, public) in module.all() {
                let file = node.file.clone();
                match self.find(id, written) {
                    // A file is a part of the modules above it, which are made of such
                    // parts; and what a module takes from a part to pass it on is not for
                    // itself.
                    Found::Item(to, _) if self.is_part(id, to) => {}
                    Found::Item(to, _) if public && self.is_part(to, id) => {}
                    Found::Item(to, name) if self.modules[to].file != file => {
                        imports.insert(Import {
                            from: file,
                            to: self.modules[to].file.clone(),
                            name,
                            line: written.line,
                        });
                    }
                    Found::Crate(krate) => externals.push(External {
                        file,
                        krate,
                        line: written.line,
                    }),
                    _ => {}
                }
            }
            self.imports.append(&mut imports);
            self.externals.append(&mut externals);
        }
    }

    /// Whether a module is another one's child, or a child's child.
    fn is_part(&self, mut module: usize, whole: usize) -> bool {
        while let Some(parent) = self.modules[module].parent {
            if parent == whole {
                return true;
            }
            module = parent;
        }
        false
    }

    fn find(&self, from: usize, written: &Written) -> Found {
        match self.follow(from, &written.segments, &mut Vec::new()) {
            Found::Nothing if written.in_use => Found::Crate(written.segments[0].clone()),
            found => found,
        }
    }

    /// Follows a path from a module. `seen` has the paths on the way here, so that two
    /// `use` that mean each other end.
    fn follow(&self, from: usize, path: &[String], seen: &mut Vec<(usize, String)>) -> Found {
        let key = (from, path.join("::"));
        if seen.contains(&key) {
            return Found::Nothing;
        }
        seen.push(key);
        let found = self.step_through(from, path, seen);
        seen.pop();
        found
    }

    fn step_through(&self, from: usize, path: &[String], seen: &mut Vec<(usize, String)>) -> Found {
        let Some((first, mut rest)) = path.split_first() else {
            return Found::Module(from);
        };
        let root = {
            let mut root = from;
            while let Some(parent) = self.modules[root].parent {
                root = parent;
            }
            root
        };
        let mut at = match first.as_str() {
            "crate" => root,
            "self" => from,
            "super" => {
                let Some(mut parent) = self.modules[from].parent else {
                    return Found::Nothing;
                };
                while rest.first().is_some_and(|it| it == "super") {
                    let Some(next) = self.modules[parent].parent else {
                        return Found::Nothing;
                    };
                    (parent, rest) = (next, &rest[1..]);
                }
                parent
            }
            // Only the program names the library.
            LIBRARY if Some(root) != self.library => match self.library {
                Some(library) => library,
                None => return Found::Nothing,
            },
            name => match self.look_up(from, name, rest.is_empty(), seen) {
                Found::Module(module) => module,
                // A crate, or a word of the language or of a function.
                Found::Nothing if !rest.is_empty() => return Found::Crate(name.to_owned()),
                other => return other,
            },
        };
        while let Some((name, after)) = rest.split_first() {
            rest = after;
            match self.look_up(at, name, rest.is_empty(), seen) {
                Found::Module(module) => at = module,
                // Made by a macro, as far as one can see.
                Found::Nothing => return Found::Item(at, name.clone()),
                // What follows belongs to the item.
                other => return other,
            }
        }
        Found::Module(at)
    }

    /// A name in a module. As the last of a path it is an item rather than a module.
    fn look_up(
        &self,
        module: usize,
        name: &str,
        last: bool,
        seen: &mut Vec<(usize, String)>,
    ) -> Found {
        let node = &self.modules[module];
        let child = node.children.get(name);
        let own = node.module.items.contains(name);
        match child {
            Some(child) if !(last && own) => return Found::Module(*child),
            _ if own => return Found::Item(module, name.to_owned()),
            _ => {}
        }
        for binding in node.module.bindings.get(name).into_iter().flatten() {
            match self.follow(module, &binding.path.segments, seen) {
                // `use serde;` binds a crate.
                Found::Nothing if binding.path.segments.len() == 1 => {
                    return Found::Crate(binding.path.segments[0].clone());
                }
                Found::Nothing => {}
                found => return found,
            }
        }
        for glob in &node.module.globs {
            if let Found::Module(from) = self.follow(module, &glob.path.segments, seen) {
                let key = (from, format!("*{name}"));
                if seen.contains(&key) {
                    continue;
                }
                seen.push(key);
                let found = self.look_up(from, name, last, seen);
                seen.pop();
                if !matches!(found, Found::Nothing) {
                    return found;
                }
            }
        }
        Found::Nothing
    }
}
