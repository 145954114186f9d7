//! Prepares a text for a label.

use gtk::glib::markup_escape_text;
use gtk::pango::{AttrInt, AttrList};

use crate::chat::links::links;

/// The text with spaces instead of tabs: Pango breaks no line between tabs, and a row of
/// them would be wider than any window.
pub fn without_tabs(text: &str) -> String {
    text.replace('\t', "    ")
}

/// Lets a label break words without a hyphen, which readers would take for a part of a
/// link or a key.
pub fn break_without_hyphens(label: &gtk::Label) {
    let attributes = AttrList::new();
    attributes.insert(AttrInt::new_insert_hyphens(false));
    label.set_attributes(Some(&attributes));
}

/// The least width of a label with this text, in characters; -1 lets GTK find it.
///
/// GTK finds the least width by laying the text out one character below the other, which
/// takes seconds for a line of thousands. So a text with a long line gets a fixed width.
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

/// The text as Pango markup. Links become links, and nothing else has a meaning.
pub fn with_links(text: &str) -> String {
    let mut markup = String::with_capacity(text.len());
    let mut from = 0;
    for link in links(text) {
        markup.push_str(&markup_escape_text(&text[from..link.range.start]));
        let uri = markup_escape_text(&link.uri);
        let written = markup_escape_text(&text[link.range.clone()]);
        for part in ["<a href=\"", &uri, "\">", &written, "</a>"] {
            markup.push_str(part);
        }
        from = link.range.end;
    }
    markup.push_str(&markup_escape_text(&text[from..]));
    markup
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_text_with_a_long_line_is_given_a_width() {
        assert_eq!(width_chars(&"short\n".repeat(100)), -1);
        assert_eq!(width_chars(&"é".repeat(80)), -1);
        assert_eq!(width_chars(&format!("short\n{}", "x".repeat(81))), 20);
    }

    #[test]
    fn markup_in_a_text_means_nothing() {
        assert_eq!(with_links("<b>&"), "&lt;b&gt;&amp;");
        let link = with_links("https://x/?a=1&b='\"<i>");
        assert!(
            link.starts_with("<a href=\"https://x/?a=1&amp;b=\">"),
            "{link}"
        );
        assert_eq!(
            with_links("www.example.org"),
            "<a href=\"https://www.example.org\">www.example.org</a>"
        );
    }

    proptest! {
        #[test]
        fn any_text_becomes_markup_that_reads_the_same(text in "[a-z<>&\"' ():/.é]{0,40}|.{0,20}|((https://|www[.]a[.])[a-z&\"<'/]{0,9} ?){0,3}") {
            // Cleaned, as every text from a room is.
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
