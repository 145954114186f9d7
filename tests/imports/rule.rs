//! The rule, and what is said about a file that breaks it.

use std::collections::{BTreeMap, BTreeSet};

use crate::house::{House, Import};

/// The modules of the library, in the order of the list in `src/lib.rs`: each imports only
/// from those before it. The program itself comes after all.
pub const ORDER: [&str; 17] = [
    "lock",
    "clock",
    "owner_file",
    "harmless",
    "room",
    "protocol",
    "net",
    "tls",
    "store",
    "server",
    "client",
    "chat",
    "platform",
    "terminal",
    "cli",
    "app",
    "fuzzing",
];

/// The circles, the shortest first: who is in it, and what ties them.
pub fn circles(house: &House) -> Vec<String> {
    let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for import in &house.imports {
        reached.entry(&import.from).or_default().insert(&import.to);
    }
    let direct = reached.clone();
    let reach = |from: &str| {
        let mut known = BTreeSet::new();
        let mut open: Vec<&str> = vec![from];
        while let Some(file) = open.pop() {
            for to in direct.get(file).into_iter().flatten() {
                if known.insert(*to) {
                    open.push(to);
                }
            }
        }
        known
    };
    for (file, to) in &mut reached {
        *to = reach(file);
    }
    let back = |from: &str, to: &str| reached.get(from).is_some_and(|it| it.contains(to));
    let mut circles: BTreeSet<Vec<&str>> = BTreeSet::new();
    for (file, to) in &reached {
        if to.contains(file) {
            circles.insert(to.iter().copied().filter(|it| back(it, file)).collect());
        }
    }
    let mut circles: Vec<_> = circles.into_iter().collect();
    circles.sort_by_key(Vec::len);
    let told = circles.iter().map(|files| {
        let inside = |import: &&Import| {
            files.contains(&import.from.as_str()) && files.contains(&import.to.as_str())
        };
        let ties = ties(house.imports.iter().filter(inside));
        format!("a circle of {} files:\n{ties}", files.len())
    });
    told.collect()
}

/// Imports from a folder that comes later in the order, and modules without a place in it.
pub fn upward(house: &House) -> Vec<String> {
    let place = |file: &str| ORDER.iter().position(|it| *it == folder(file));
    let files: BTreeSet<&str> = house
        .imports
        .iter()
        .flat_map(|it| [&*it.from, &*it.to])
        .collect();
    let unknown = files
        .iter()
        .filter(|it| is_in_order(it) && place(it).is_none());
    let mut findings: Vec<String> = unknown
        .map(|file| format!("{file} is in no module of the order"))
        .collect();
    let is_upward = |import: &&Import| {
        let (from, to) = (place(&import.from), place(&import.to));
        from.is_some() && (from < to || !is_in_order(&import.to))
    };
    let found: Vec<&Import> = house.imports.iter().filter(is_upward).collect();
    if !found.is_empty() {
        findings.push(format!(
            "imports from a later folder of the order ({}):\n{}",
            ORDER.join(", "),
            ties(found.into_iter())
        ));
    }
    findings
}

/// Where the files of a folder name one of these crates.
pub fn named(house: &House, folder: &str, crates: &[&str]) -> Vec<String> {
    let found = house
        .externals
        .iter()
        .filter(|it| it.file.starts_with(folder) && crates.contains(&it.krate.as_str()));
    found
        .map(|it| format!("{}:{} names {}", it.file, it.line, it.krate))
        .collect()
}

/// The modules in the list of a crate's first comment, which has a line for each:
/// ``- [`room`]: …``.
pub fn listed(text: &str) -> Vec<String> {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let items = lines.filter_map(|line| line.trim().strip_prefix("- "));
    items
        .filter_map(|item| item.split('`').nth(1))
        .map(str::to_owned)
        .collect()
}

/// The roots of the library and of the program stand outside the order.
fn is_in_order(file: &str) -> bool {
    !["src/lib.rs", "src/main.rs"].contains(&file)
}

/// The library's module to which a file belongs.
fn folder(file: &str) -> &str {
    let below = file.strip_prefix("src/").unwrap_or(file);
    below
        .split('/')
        .next()
        .unwrap_or(below)
        .trim_end_matches(".rs")
}

/// A line for each two files, with the names that tie them and where they stand.
fn ties<'a>(imports: impl Iterator<Item = &'a Import>) -> String {
    let mut ties: BTreeMap<(&str, &str), BTreeMap<&str, usize>> = BTreeMap::new();
    for import in imports {
        let names = ties.entry((&import.from, &import.to)).or_default();
        let line = names.entry(&import.name).or_insert(import.line);
        *line = import.line.min(*line);
    }
    let lines = ties.iter().map(|((from, to), names)| {
        let first = names.values().min().copied().unwrap_or_default();
        let names: Vec<&str> = names.keys().copied().collect();
        format!("  {from}:{first} → {to}: {}", names.join(", "))
    });
    lines.collect::<Vec<_>>().join("\n")
}
