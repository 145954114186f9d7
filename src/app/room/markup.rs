//! Links in a text, made so that they can be followed.

use gtk::glib::markup_escape_text;

/// What a link begins with.
const SCHEMES: [&str; 4] = ["https://", "http://", "chatroom://", "mailto:"];

/// The most bytes of a link.
const LONGEST: usize = 2_000;

/// The text with spaces for its tabs: Pango breaks no line between tabs, and a row of
/// them would be wider than any window.
pub fn without_tabs(text: &str) -> String {
    text.replace('\t', "    ")
}

/// How narrow a label with this text may be, in characters: -1, as narrow as it can.
///
/// GTK finds that out by laying the text out one character below the other, which
/// takes seconds for a line of thousands: a text with a long line is given a width.
pub fn width_chars(text: &str) -> i32 {
    const LONG_LINE: usize = 80;
    const WIDTH: i32 = 20;
    let is_long = |line: &str| line.chars().nth(LONG_LINE).is_some();
    if text.split('\n').any(is_long) {
        WIDTH
    } else {
        -1
    }
}

/// The text as Pango markup in which links are links and nothing else is anything.
pub fn with_links(text: &str) -> String {
    let mut markup = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = next_link(rest) {
        let (before, from_link) = rest.split_at(start);
        let (link, after) = from_link.split_at(link_length(from_link));
        markup.push_str(&markup_escape_text(before));
        let link = markup_escape_text(link);
        for part in ["<a href=\"", &link, "\">", &link, "</a>"] {
            markup.push_str(part);
        }
        rest = after;
    }
    markup.push_str(&markup_escape_text(rest));
    markup
}

/// Where the next link begins.
fn next_link(text: &str) -> Option<usize> {
    text.char_indices()
        .filter(|(place, _)| {
            // Not in the middle of a word.
            !text[..*place].ends_with(char::is_alphanumeric)
        })
        .map(|(place, _)| place)
        .find(|place| {
            let rest = &text[*place..];
            SCHEMES
                .iter()
                .any(|scheme| begins_with(rest, scheme) && link_length(rest) > scheme.len())
        })
}

fn begins_with(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// How long the link is that begins here. Punctuation at its end belongs to the
/// sentence, and a bracket too unless it was opened in the link.
fn link_length(text: &str) -> usize {
    let end = text
        .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '“' | '”' | '«' | '»'))
        .unwrap_or(text.len());
    // Nobody writes one that long; what looks like one is text.
    if end > LONGEST {
        return 0;
    }
    let mut link = &text[..end];
    let count = |bracket| i64::try_from(link.matches(bracket).count()).unwrap_or(i64::MAX);
    let mut unopened = [count(')') - count('('), count(']') - count('[')];
    while let Some(last) = link.chars().next_back() {
        let closes = match last {
            ')' => unopened[0] > 0,
            ']' => unopened[1] > 0,
            _ => matches!(
                last,
                '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '’' | '…' | '}'
            ),
        };
        if !closes {
            break;
        }
        match last {
            ')' => unopened[0] -= 1,
            ']' => unopened[1] -= 1,
            _ => {}
        }
        link = &link[..link.len() - last.len_utf8()];
    }
    link.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn links(text: &str) -> Vec<String> {
        with_links(text)
            .split("<a href=\"")
            .skip(1)
            .filter_map(|it| Some(it.split_once('"')?.0.to_owned()))
            .collect()
    }

    #[test]
    fn only_a_text_with_a_long_line_is_given_a_width() {
        assert_eq!(width_chars(&"short\n".repeat(100)), -1);
        assert_eq!(width_chars(&"é".repeat(80)), -1);
        assert_eq!(width_chars(&format!("short\n{}", "x".repeat(81))), 20);
    }

    #[test]
    fn a_link_is_found_and_its_sentence_is_not() {
        for (text, link) in [
            ("see https://example.org.", "https://example.org"),
            ("(http://example.org/a_(b))", "http://example.org/a_(b)"),
            ("join chatroom://[::1]:53000!", "chatroom://[::1]:53000"),
            ("HTTPS://EXAMPLE.ORG?", "HTTPS://EXAMPLE.ORG"),
            ("to mailto:ada@example.org, eve", "mailto:ada@example.org"),
            ("“https://example.org”", "https://example.org"),
        ] {
            assert_eq!(links(text), [link], "{text}");
        }
        assert_eq!(links("http://a http://b").len(), 2);
    }

    #[test]
    fn what_is_no_link_stays_text() {
        for text in [
            "https://",
            "xhttps://example.org",
            "javascript:alert(1)",
            "file:///etc",
        ] {
            assert!(links(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn markup_in_a_text_means_nothing() {
        assert_eq!(with_links("<b>&"), "&lt;b&gt;&amp;");
        let link = with_links("https://x/?a=1&b='\"<i>");
        assert!(
            link.starts_with("<a href=\"https://x/?a=1&amp;b=\">"),
            "{link}"
        );
    }

    proptest! {
        #[test]
        fn any_text_becomes_markup_that_reads_the_same(text in "[a-z<>&\"' ():/.é]{0,40}|.{0,20}|(https://[a-z&\"<']{0,9} ?){0,3}") {
            // As every text that comes from a room.
            let text = crate::room::clean_text(&text);
            let markup = with_links(&text);
            let read = gtk::pango::parse_markup(&strip_links(&markup), '\0');
            let read = read.map_err(|error| TestCaseError::fail(error.to_string()))?.1;
            prop_assert_eq!(read.as_str(), &*text);
        }
    }

    /// Links are the label's, not Pango's.
    fn strip_links(markup: &str) -> String {
        let mut parts = markup.split("<a href=\"");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            text.push_str(part.split_once("\">").map_or("", |it| it.1));
        }
        text.replace("</a>", "")
    }
}
