//! What one file says: its modules, what they define and bind, and the paths in their code.
//! It is read as tokens and not as a syntax tree, so that paths in macros count as well.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path as it is written, such as `super::hub::Hub`, and its line.
#[derive(Clone, Debug)]
pub struct Written {
    pub segments: Vec<String>,
    pub line: usize,
    /// It stands in a `use`, where a single word is a crate.
    pub in_use: bool,
}

/// A name that a `use` makes known in its module.
#[derive(Debug)]
pub struct Binding {
    pub path: Written,
    /// Others may take it from here.
    pub public: bool,
}

/// A module: that of a file, or one that stands inline in a file.
#[derive(Debug, Default)]
pub struct Module {
    /// The names of what it defines itself.
    pub items: BTreeSet<String>,
    /// Its children that are files, as they are declared.
    pub declared: Vec<String>,
    pub inline: Vec<(String, Module)>,
    /// A name is bound twice if it is both a type and a function, for example.
    pub bindings: BTreeMap<String, Vec<Binding>>,
    /// Imports that bind no name, as of a trait for its methods.
    pub unnamed: Vec<Written>,
    pub globs: Vec<Binding>,
    /// The paths in the code.
    pub paths: Vec<Written>,
}

impl Module {
    /// Reads the text of a file. `None` if all of it is for tests.
    pub fn read(text: &str) -> Result<Option<Self>, String> {
        let tokens: TokenStream = text.parse().map_err(|error| format!("{error}"))?;
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut module = Self::default();
        let for_tests = tokens.windows(3).any(|three| {
            is_punct(&three[0], '#') && is_punct(&three[1], '!') && is_for_tests(&three[2])
        });
        module.walk(&tokens, true);
        Ok((!for_tests).then_some(module))
    }

    /// All paths, and whether each is one that is passed on to others.
    pub fn all(&self) -> impl Iterator<Item = (&Written, bool)> {
        let bindings = self.bindings.values().flatten().chain(&self.globs);
        let paths = self.paths.iter().chain(&self.unnamed);
        paths
            .map(|path| (path, false))
            .chain(bindings.map(|it| (&it.path, it.public)))
    }

    /// Walks through tokens; `items` says whether definitions among them are the module's
    /// own, and not those of a function, a type or an `impl`.
    fn walk(&mut self, tokens: &[TokenTree], items: bool) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at = match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => self.attribute(tokens, at),
                TokenTree::Ident(_) => self.word(tokens, at, items),
                TokenTree::Group(group) => {
                    // `macro! { … }` among items: what stands in it may become items.
                    let of_macro = at > 0 && is_punct(&tokens[at - 1], '!');
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    self.walk(&inner, items && of_macro);
                    at + 1
                }
                _ => at + 1,
            };
        }
    }

    /// An attribute at `at`; one for tests takes what it stands before with it.
    fn attribute(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let inner = tokens.get(at + 1).is_some_and(|it| is_punct(it, '!'));
        let at = at + 1 + usize::from(inner);
        let Some(TokenTree::Group(group)) = tokens.get(at) else {
            return at;
        };
        if is_for_tests(&tokens[at]) {
            return after_item(tokens, at + 1);
        }
        let words: Vec<TokenTree> = group.stream().into_iter().collect();
        if words.first().is_some_and(|it| !is_word(it, "doc")) {
            // Not the attribute's own name, but what it is given, also as a string:
            // `#[serde(with = "super::time")]`.
            for word in &words[1..] {
                self.given(word);
            }
        }
        at + 1
    }

    fn given(&mut self, word: &TokenTree) {
        match word {
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                self.walk(&inner, false);
                for word in &inner {
                    self.given(word);
                }
            }
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let text = text.trim_matches('"');
                if ["crate::", "super::", "self::"]
                    .iter()
                    .any(|it| text.starts_with(it))
                {
                    self.paths.push(Written {
                        segments: text.split("::").map(str::to_owned).collect(),
                        line: literal.span().start().line,
                        in_use: false,
                    });
                }
            }
            _ => {}
        }
    }

    /// A word at `at`: the beginning of a `use`, a module, a definition or a path.
    fn word(&mut self, tokens: &[TokenTree], at: usize, items: bool) -> usize {
        let next = |ahead: usize| tokens.get(at + ahead);
        let word = text(&tokens[at]);
        match word.as_str() {
            // `use<'a>` says what a type captures.
            "use" if next(1).is_some_and(|it| !is_punct(it, '<')) => {
                let end = tokens[at..].iter().position(|it| is_punct(it, ';'));
                let end = end.map_or(tokens.len(), |length| at + length);
                let public = is_public(&tokens[..at]);
                self.import(&tokens[at + 1..end], Vec::new(), public);
                return end + 1;
            }
            "mod" => {
                if let Some(name @ TokenTree::Ident(_)) = next(1) {
                    match next(2) {
                        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                            let mut module = Self::default();
                            module.walk(&inner, true);
                            self.inline.push((text(name), module));
                            return at + 3;
                        }
                        _ => self.declared.push(text(name)),
                    }
                    return at + 2;
                }
            }
            "struct" | "enum" | "union" | "trait" | "type" | "fn" | "const" | "static" => {
                let mutable = next(1).is_some_and(|it| is_word(it, "mut"));
                if let Some(name @ TokenTree::Ident(_)) = next(1 + usize::from(mutable))
                    && !(word == "const" && is_word(name, "fn"))
                {
                    if items {
                        self.items.insert(text(name));
                    }
                    return at + 2 + usize::from(mutable);
                }
            }
            "macro_rules" => {
                if let Some(name @ TokenTree::Ident(_)) = next(2) {
                    self.items.insert(text(name));
                    return at + 3;
                }
            }
            _ => {}
        }
        self.path(tokens, at)
    }

    /// A path in the code that begins at `at`.
    fn path(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let (segments, end) = segments(tokens, at);
        let before = |back: usize| at.checked_sub(back).map(|it| &tokens[it]);
        let dots = (1..=2).take_while(|back| before(*back).is_some_and(|it| is_punct(it, '.')));
        // A field or method, unless `..` is before it; the rest of a path after `<T>::`; or
        // a path that begins with `::`, which is another crate's.
        let is_member = dots.count() == 1;
        let goes_on = before(1).is_some_and(|it| is_punct(it, ':'))
            && before(2).is_some_and(|it| is_punct(it, ':'));
        if !is_member && !goes_on {
            self.paths.push(Written {
                segments,
                line: tokens[at].span().start().line,
                in_use: false,
            });
        }
        end
    }

    /// The tree of a `use` behind `prefix`.
    fn import(&mut self, tokens: &[TokenTree], prefix: Vec<String>, public: bool) {
        let mut path = prefix;
        let mut line = 0;
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Ident(ident) if ident == "as" => break,
                TokenTree::Ident(_) => {
                    line = token.span().start().line;
                    path.push(text(token));
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    let line = token.span().start().line;
                    let path = Written {
                        segments: path,
                        line,
                        in_use: true,
                    };
                    self.globs.push(Binding { path, public });
                    return;
                }
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for one in inner
                        .split(|it| is_punct(it, ','))
                        .filter(|it| !it.is_empty())
                    {
                        self.import(one, path.clone(), public);
                    }
                    return;
                }
                // `use ::krate` is not ours.
                TokenTree::Punct(_) if at == 0 && path.is_empty() => return,
                _ => {}
            }
            at += 1;
        }
        // `{self}` binds the module by its own name.
        if path.len() > 1 && path.last().is_some_and(|it| it == "self") {
            path.pop();
        }
        let name = tokens
            .get(at + 1)
            .map(text)
            .or_else(|| path.last().cloned());
        let path = Written {
            segments: path,
            line,
            in_use: true,
        };
        match name {
            Some(name) if name != "_" => {
                let binding = Binding { path, public };
                self.bindings.entry(name).or_default().push(binding);
            }
            _ => self.unnamed.push(path),
        }
    }
}

/// The words of the path that begins at `at`, and where it ends.
fn segments(tokens: &[TokenTree], at: usize) -> (Vec<String>, usize) {
    let mut segments = vec![text(&tokens[at])];
    let mut end = at + 1;
    while let Some([first, second, name @ TokenTree::Ident(_)]) = tokens.get(end..end + 3)
        && is_punct(first, ':')
        && is_punct(second, ':')
    {
        segments.push(text(name));
        end += 3;
    }
    (segments, end)
}

/// Where the item, field or arm that begins at `at` is over.
fn after_item(tokens: &[TokenTree], mut at: usize) -> usize {
    // Further attributes.
    while tokens.get(at).is_some_and(|it| is_punct(it, '#')) {
        at += 2;
    }
    let to_semicolon = ["use", "static", "type", "let", "const"];
    let with_commas = ["fn", "struct", "enum", "trait", "impl", "mod"];
    let words: Vec<String> = tokens[at..].iter().take(4).map(text).collect();
    let begins = |with: &[&str]| words.iter().any(|word| with.contains(&word.as_str()));
    let is_long = begins(&with_commas);
    let is_statement = !is_long && begins(&to_semicolon);
    while let Some(token) = tokens.get(at) {
        at += 1;
        let is_over = match token {
            TokenTree::Punct(punct) => match punct.as_char() {
                ';' => true,
                ',' => !is_long && !is_statement,
                _ => false,
            },
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !is_statement,
            _ => false,
        };
        if is_over {
            break;
        }
    }
    at
}

/// Whether these tokens end with `pub` or `pub(…)`.
fn is_public(before: &[TokenTree]) -> bool {
    match before {
        [.., word] if is_word(word, "pub") => true,
        [.., word, TokenTree::Group(_)] => is_word(word, "pub"),
        _ => false,
    }
}

/// Whether the brackets of an attribute say `cfg(test)`, alone or as one of `all`.
fn is_for_tests(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else {
        return false;
    };
    let said: String = group.stream().to_string().split_whitespace().collect();
    said == "cfg(test)" || (said.starts_with("cfg(all(") && said.contains("(test,"))
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn text(token: &TokenTree) -> String {
    token.to_string().trim_start_matches("r#").to_owned()
}
