//! Finds the links in a text.
//!
//! A link begins with one of `SCHEMES` or with `www.`, and has a host. It ends where
//! its sentence goes on: before white space, quotes, a bracket that was not opened in it,
//! punctuation at its end, full-width punctuation, and before a script that is written
//! without spaces (Chinese, Japanese, Thai …), which can follow it directly. Only a host
//! can be written in such a script, as in `https://例え.jp`.

use std::ops::Range;

/// The start of a link.
const SCHEMES: [&str; 4] = ["https://", "http://", "chatroom://", "mailto:"];

/// The start of a link without a scheme.
const WWW: &str = "www.";

/// The scheme for a link without one.
const DEFAULT_SCHEME: &str = "https://";

/// The most bytes of a link. A longer one is text: nobody writes it by hand.
const LONGEST: usize = 2_000;

/// A link in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The byte range of the link in the text.
    pub range: Range<usize>,
    /// The target: the text of the link, always with a scheme.
    pub uri: String,
}

/// The links in `text`, in their order.
#[must_use]
pub fn links(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut from = 0;
    let mut before = None;
    while let Some(c) = text[from..].chars().next() {
        let length = if may_begin_after(before) {
            link_length(&text[from..], before)
        } else {
            0
        };
        let end = from + length;
        if length > 0 {
            let written = &text[from..end];
            let scheme = if begins_with(written, WWW) {
                DEFAULT_SCHEME
            } else {
                ""
            };
            links.push(Link {
                range: from..end,
                uri: format!("{scheme}{written}"),
            });
            before = written.chars().next_back();
            from = end;
        } else {
            before = Some(c);
            from += c.len_utf8();
        }
    }
    links
}

/// The link in `text` that covers the byte `at`.
#[must_use]
pub fn link_at(text: &str, at: usize) -> Option<Link> {
    links(text)
        .into_iter()
        .find(|link| link.range.contains(&at))
}

/// Whether a link may begin after this character: not in the middle of a word. There is
/// no such middle in scripts without spaces, and in those that write short words onto the
/// next one, such as Hebrew and Arabic.
fn may_begin_after(before: Option<char>) -> bool {
    before.is_none_or(|c| !c.is_alphanumeric() || is_unspaced(c) || is_right_to_left(c))
}

/// The length in bytes of the link that begins with `text`, or 0.
fn link_length(text: &str, before: Option<char>) -> usize {
    let scheme = SCHEMES.iter().find(|scheme| begins_with(text, scheme));
    let length = match scheme {
        Some(&"mailto:") => mail_length("mailto:".len(), text),
        Some(scheme) => url_length(scheme.len(), text),
        None if begins_with(text, WWW) => {
            // Not in the middle of an address of another kind.
            let apart = !matches!(before, Some('.' | '/' | '@' | '-' | ':' | '_' | '='));
            let length = if apart { url_length(0, text) } else { 0 };
            let host = &text[..host_length(text)];
            // `www.` and one word is no host that is known everywhere.
            if host.trim_end_matches('.').matches('.').count() < 2 {
                return 0;
            }
            length
        }
        None => 0,
    };
    if length > LONGEST { 0 } else { length }
}

fn begins_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|its| its.eq_ignore_ascii_case(start))
}

/// The length of a link with a host, whose scheme takes `scheme` bytes.
fn url_length(scheme: usize, text: &str) -> usize {
    let rest = &text[scheme..];
    let user = user_length(rest);
    let host = host_length(&rest[user..]);
    if host == 0 {
        return 0;
    }
    let authority = user + host;
    let port = port_length(&rest[authority..]);
    let authority = authority + port;
    let path = if rest[authority..].starts_with(['/', '?', '#']) {
        path_length(&rest[authority..])
    } else {
        0
    };
    let whole = scheme + authority + path;
    trimmed(&text[..whole]).len()
}

/// The length of `name@host`, with a `?` and the rest after it, from the byte `scheme`
/// on.
fn mail_length(scheme: usize, text: &str) -> usize {
    let rest = &text[scheme..];
    let name = user_length(rest);
    let host = if name > 1 {
        host_length(&rest[name..])
    } else {
        0
    };
    if host == 0 {
        return 0;
    }
    let end = scheme + name + host;
    let query = if text[end..].starts_with('?') {
        path_length(&text[end..])
    } else {
        0
    };
    trimmed(&text[..end + query]).len()
}

/// The length of a user's name with the `@` after it, or 0.
fn user_length(text: &str) -> usize {
    let is_of_it = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'*+,;=:%".contains(c);
    let end = text.find(|c| !is_of_it(c)).unwrap_or(text.len());
    if text[end..].starts_with('@') {
        end + 1
    } else {
        0
    }
}

/// The length of a host: an address in brackets, or a name.
fn host_length(text: &str) -> usize {
    if text.starts_with('[') {
        let is_of_it = |c: char| c.is_ascii_alphanumeric() || ":.%-_~[".contains(c);
        let end = text.find(|c| !is_of_it(c)).unwrap_or(text.len());
        let has_colon = text[..end].contains(':');
        return if has_colon && text[end..].starts_with(']') {
            end + 1
        } else {
            0
        };
    }
    let is_of_it = |c: char| c.is_alphanumeric() || is_mark(c) || matches!(c, '-' | '.' | '_');
    let end = text
        .find(|c| !is_of_it(c) || is_wide_form(c))
        .unwrap_or(text.len());
    let name = &text[..end];
    let name = name.find("..").map_or(name, |end| &name[..end]);
    let name = name.trim_end_matches(['.', '-', '_']);
    let last = name.rfind('.').map_or(0, |dot| dot + 1);
    if name.starts_with(['.', '-']) || !name.contains(char::is_alphanumeric) {
        return 0;
    }
    // A sentence in another script may follow the last part directly.
    let label = &name[last..];
    if label.starts_with(|c: char| c.is_ascii()) {
        let goes_on = label.find(|c| is_unspaced(c) || is_right_to_left(c));
        return last + goes_on.unwrap_or(label.len());
    }
    name.len()
}

/// The length of `:` and a port, or 0.
fn port_length(text: &str) -> usize {
    let Some(digits) = text.strip_prefix(':') else {
        return 0;
    };
    let end = digits.find(|c: char| !c.is_ascii_digit());
    match end.unwrap_or(digits.len()) {
        0 => 0,
        length => length + 1,
    }
}

/// The length of a path, a query and a fragment, up to a bracket that was not opened.
fn path_length(text: &str) -> usize {
    let mut open = (0_u32, 0_u32);
    for (place, c) in text.char_indices() {
        let opened = match c {
            '(' => open.0.checked_add(1).map(|it| open.0 = it),
            '[' => open.1.checked_add(1).map(|it| open.1 = it),
            ')' => open.0.checked_sub(1).map(|it| open.0 = it),
            ']' => open.1.checked_sub(1).map(|it| open.1 = it),
            '<' | '>' | '"' | '`' | '\\' => None,
            c if c.is_ascii_graphic() => Some(()),
            c if c.is_ascii() || is_unspaced(c) => None,
            c => (c.is_alphanumeric() || is_mark(c)).then_some(()),
        };
        if opened.is_none() {
            return place;
        }
    }
    text.len()
}

/// The link without the punctuation at its end, which belongs to the sentence.
fn trimmed(link: &str) -> &str {
    link.trim_end_matches([
        '.', ',', ';', ':', '!', '?', '\'', '*', '(', '[', '{', '}', '|',
    ])
}

/// Whether a character is of a script that is written without spaces between words, or
/// has the width of such a script. Korean has spaces, but its particles follow directly.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}'     // Thai, Lao
        | '\u{1000}'..='\u{109f}'   // Myanmar
        | '\u{1100}'..='\u{11ff}'   // Hangul
        | '\u{1780}'..='\u{17ff}'   // Khmer
        | '\u{2e80}'..='\u{a4cf}'   // radicals, kana, Bopomofo, ideographs, Yi
        | '\u{a960}'..='\u{a97f}'   // Hangul
        | '\u{aa60}'..='\u{aa7f}'   // Myanmar
        | '\u{ac00}'..='\u{d7ff}'   // Hangul
        | '\u{f900}'..='\u{faff}'   // ideographs
        | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ffef}'   // full-width and half-width forms
        | '\u{16fe0}'..='\u{18fff}'
        | '\u{1aff0}'..='\u{1b2ff}' // kana
        | '\u{20000}'..='\u{3ffff}' // ideographs
    )
}

/// Whether a character is a letter or a sign of another width than its plain form.
fn is_wide_form(c: char) -> bool {
    matches!(c, '\u{ff00}'..='\u{ffef}')
}

/// Whether a character is of Hebrew, Arabic or a related script.
fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{08ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}')
}

/// Whether a character is a mark on the letter before it.
fn is_mark(c: char) -> bool {
    use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
    !c.is_ascii() && c.general_category_group() == GeneralCategoryGroup::Mark
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<String> {
        links(text)
            .into_iter()
            .map(|link| text[link.range].to_owned())
            .collect()
    }

    #[track_caller]
    fn each_has_its_link(texts: &[(&str, &str)]) {
        for (text, link) in texts {
            assert_eq!(found(text), [*link], "{text}");
        }
    }

    #[test]
    fn a_link_is_found_and_its_sentence_is_not() {
        each_has_its_link(&[
            ("see https://example.org.", "https://example.org"),
            ("see https://example.org/a.", "https://example.org/a"),
            ("join chatroom://[::1]:53000!", "chatroom://[::1]:53000"),
            (
                "at chatroom://[fe80::1%25eth0]:53000, now",
                "chatroom://[fe80::1%25eth0]:53000",
            ),
            ("HTTPS://EXAMPLE.ORG?", "HTTPS://EXAMPLE.ORG"),
            ("to mailto:ada@example.org, eve", "mailto:ada@example.org"),
            (
                "mailto:ada@example.org?subject=hello!",
                "mailto:ada@example.org?subject=hello",
            ),
            ("http://ada:x@example.org/", "http://ada:x@example.org/"),
            ("https://localhost:8080…", "https://localhost:8080"),
            ("https://example.org: this", "https://example.org"),
            ("https://example.org'da", "https://example.org"),
            (
                "http://10.0.0.1:80/?a=b&c=d#e;",
                "http://10.0.0.1:80/?a=b&c=d#e",
            ),
        ]);
        assert_eq!(found("http://a http://b").len(), 2);
        assert_eq!(found("http://a,http://b").len(), 2);
    }

    #[test]
    fn brackets_and_quotes_around_a_link_are_not_of_it() {
        each_has_its_link(&[
            ("(http://example.org/a_(b))", "http://example.org/a_(b)"),
            ("[text](https://example.org/a)b", "https://example.org/a"),
            ("<https://example.org/a>", "https://example.org/a"),
            ("“https://example.org/a”", "https://example.org/a"),
            ("'https://example.org/a'", "https://example.org/a"),
            ("„https://example.org/a“", "https://example.org/a"),
            ("«https://example.org/a»", "https://example.org/a"),
            ("‘https://example.org/a’", "https://example.org/a"),
            ("`https://example.org/a`", "https://example.org/a"),
            ("**https://example.org/a**", "https://example.org/a"),
            ("{https://example.org/a}", "https://example.org/a"),
            ("「https://example.org/a」", "https://example.org/a"),
            ("【https://example.org/a】", "https://example.org/a"),
            ("（https://example.org/a）", "https://example.org/a"),
            ("《https://example.org》", "https://example.org"),
        ]);
    }

    #[test]
    fn chinese_japanese_korean_and_thai_may_stand_right_beside_a_link() {
        each_has_its_link(&[
            ("请看https://example.org，谢谢", "https://example.org"),
            ("请看https://example.org/a。谢谢", "https://example.org/a"),
            ("请看https://example.org谢谢", "https://example.org"),
            (
                "詳しくはhttps://example.org/aを見て",
                "https://example.org/a",
            ),
            ("詳しくはhttps://example.org/を見て", "https://example.org/"),
            (
                "それはhttps://example.org/?a=b、と",
                "https://example.org/?a=b",
            ),
            ("링크는https://example.org/a에서", "https://example.org/a"),
            ("ดูhttps://example.org/aนะ", "https://example.org/a"),
            ("看www.example.org吧", "www.example.org"),
            (
                "在chatroom://10.0.0.5:53000等你",
                "chatroom://10.0.0.5:53000",
            ),
            ("https://example.org！", "https://example.org"),
            ("https://example.org：８０", "https://example.org"),
        ]);
    }

    #[test]
    fn a_host_may_be_written_in_any_script() {
        each_has_its_link(&[
            ("https://bücher.example/ü?", "https://bücher.example/ü"),
            ("https://例え.jp/a", "https://例え.jp/a"),
            ("https://例え.テスト。", "https://例え.テスト"),
            ("https://例え.jpを見て", "https://例え.jp"),
            ("http://пример.рф, да", "http://пример.рф"),
            ("https://ουτοπία.δπθ.gr/", "https://ουτοπία.δπθ.gr/"),
            ("https://हिन्दी.भारत/x", "https://हिन्दी.भारत/x"),
            ("https://مثال.إختبار/", "https://مثال.إختبار/"),
        ]);
    }

    #[test]
    fn hebrew_and_arabic_may_stand_right_beside_a_link() {
        each_has_its_link(&[
            ("ראו https://example.org/a, תודה", "https://example.org/a"),
            ("בhttps://example.org/a", "https://example.org/a"),
            ("https://example.orgשלום", "https://example.org"),
            ("انظر https://example.org/a؟", "https://example.org/a"),
            ("انظر https://example.org/a، شكرا", "https://example.org/a"),
            (
                "https://he.wikipedia.org/wiki/ירושלים.",
                "https://he.wikipedia.org/wiki/ירושלים",
            ),
        ]);
    }

    #[test]
    fn a_link_without_a_scheme_gets_one() {
        let text = "see www.example.org/a, or WWW.Example.org";
        let uris: Vec<_> = links(text).into_iter().map(|link| link.uri).collect();
        assert_eq!(
            uris,
            ["https://www.example.org/a", "https://WWW.Example.org"]
        );
    }

    #[test]
    fn what_is_no_link_stays_text() {
        for text in [
            "https://",
            "https:// example.org",
            "https://.",
            "https://…",
            "https://-/",
            "xhttps://example.org",
            "éhttps://example.org",
            "javascript:alert(1)",
            "file:///etc",
            "mailto:",
            "mailto:@example.org",
            "mailto:ada",
            "http://[::1",
            "www.",
            "www.example",
            "www..org",
            "awww.example.org",
            "ada@www.example.org",
            "://example.org",
        ] {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
        let long = format!("https://example.org/{}", "a".repeat(LONGEST));
        assert!(found(&long).is_empty());
    }

    #[test]
    fn the_link_under_the_pointer_is_found() {
        let text = "see https://example.org now";
        let at = |at| link_at(text, at).map(|link| link.uri);
        assert_eq!(at(3), None);
        assert_eq!(at(4).as_deref(), Some("https://example.org"));
        assert_eq!(at(22).as_deref(), Some("https://example.org"));
        assert_eq!(at(23), None);
    }

    proptest! {
        #[test]
        fn links_lie_one_behind_the_other_in_any_text(
            text in "(https?://|www\\.|mailto:|chatroom://|[a-z@.:/\\[\\]()?#]|.|例|ש){0,30}"
        ) {
            let mut end = 0;
            for link in links(&text) {
                prop_assert!(link.range.start >= end && link.range.end > link.range.start);
                prop_assert!(text.get(link.range.clone()).is_some());
                prop_assert!(link.uri.ends_with(&text[link.range.clone()]));
                end = link.range.end;
            }
        }
    }
}
