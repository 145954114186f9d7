//! Pasting into the composer and dropping on the page: text is inserted, and a sentence
//! says that files and pictures cannot be sent.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gettextrs::gettext;
use gtk::{gdk, gio, glib};

use crate::chat::links;

use super::Composer;

/// The kind of content in the clipboard or in a drag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Files, or links to pages: a list of addresses.
    Addresses,
    /// Text of any kind.
    Text,
    /// A picture, and no text.
    Picture,
    /// Something else.
    Other,
    /// Nothing.
    Nothing,
}

/// The kind of content in these formats. A program that offers files offers their paths
/// as text too, which nobody wants to send; a program that offers text may offer a
/// picture of it.
pub fn offer(formats: &gdk::ContentFormats) -> Offer {
    let types = formats.mime_types();
    let is_listed = |wanted: fn(&str) -> bool| types.iter().any(|it| wanted(it));
    if formats.contains_type(gdk::FileList::static_type())
        || formats.contains_type(gio::File::static_type())
        || is_listed(|it| {
            matches!(
                it,
                "text/uri-list"
                    | "x-special/gnome-copied-files"
                    | "application/vnd.portal.filetransfer"
            )
        })
    {
        Offer::Addresses
    } else if formats.contains_type(glib::Type::STRING)
        || is_listed(|it| it.starts_with("text/plain") || it == "UTF8_STRING" || it == "STRING")
    {
        Offer::Text
    } else if formats.contains_type(gdk::Texture::static_type())
        || is_listed(|it| it.starts_with("image/"))
    {
        Offer::Picture
    } else if types.is_empty() && formats.types().is_empty() {
        Offer::Nothing
    } else {
        Offer::Other
    }
}

/// The addresses as a text to send, if all of them are links to pages or rooms and none
/// leads to a file.
fn as_links(addresses: &[String]) -> Option<String> {
    let is_link = |address: &String| links::links(address).iter().any(|it| it.range.start == 0);
    (!addresses.is_empty() && addresses.iter().all(is_link)).then(|| addresses.join("\n"))
}

impl Composer {
    /// Pastes in place of the text view, on Ctrl+V and *Paste*.
    pub(super) fn take_pastes(&self) {
        self.imp().view.connect_paste_clipboard(glib::clone!(
            #[weak(rename_to = composer)]
            self,
            move |view| {
                view.stop_signal_emission_by_name("paste-clipboard");
                composer.paste(&view.clipboard());
            }
        ));
    }

    fn paste(&self, clipboard: &gdk::Clipboard) {
        if !self.imp().view.is_editable() {
            return;
        }
        let (offer, clipboard) = (offer(&clipboard.formats()), clipboard.clone());
        let composer = self.downgrade();
        glib::spawn_future_local(async move {
            match offer {
                Offer::Text => {
                    // The content may not be text after all.
                    let text = clipboard.read_text_future().await.ok().flatten();
                    if let (Some(composer), Some(text)) = (composer.upgrade(), text) {
                        composer.take_text(&text);
                    }
                }
                Offer::Addresses => {
                    let type_ = gdk::FileList::static_type();
                    let value = clipboard.read_value_future(type_, glib::Priority::DEFAULT);
                    let files = value.await.ok();
                    let files = files.and_then(|value| value.get::<gdk::FileList>().ok());
                    if let Some(composer) = composer.upgrade() {
                        composer.take_files(files.as_ref());
                    }
                }
                Offer::Picture | Offer::Other => {
                    if let Some(composer) = composer.upgrade() {
                        composer.take_nothing(offer);
                    }
                }
                Offer::Nothing => {}
            }
        });
    }

    /// Replaces the selection with a text, if there is room for all of it. Returns
    /// whether there was.
    pub fn take_text(&self, text: &str) -> bool {
        let view = &self.imp().view;
        if !view.is_editable() {
            return false;
        }
        let buffer = self.buffer();
        if !buffer.has_room_in_place_of_selection(text) {
            // The selection stays.
            self.refused();
            return false;
        }
        buffer.begin_user_action();
        buffer.delete_selection(true, true);
        buffer.insert_at_cursor(text);
        buffer.end_user_action();
        view.scroll_mark_onscreen(&buffer.get_insert());
        view.grab_focus();
        true
    }

    /// Inserts links to pages and rooms; says that files cannot be sent.
    pub fn take_files(&self, files: Option<&gdk::FileList>) -> bool {
        let addresses: Vec<String> = files
            .map(gdk::FileList::files)
            .unwrap_or_default()
            .iter()
            .map(|file| file.uri().to_string())
            .collect();
        if let Some(links) = as_links(&addresses) {
            return self.take_text(&links);
        }
        self.say(
            &gettext("Files cannot be sent in a room, only text."),
            false,
        );
        false
    }

    /// Says that this content cannot be sent.
    pub fn take_nothing(&self, offer: Offer) -> bool {
        let sentence = if offer == Offer::Picture {
            gettext("Pictures cannot be sent in a room, only text.")
        } else {
            gettext("This cannot be sent in a room, only text.")
        };
        self.say(&sentence, false);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(types: &[&str]) -> Offer {
        let builder = gdk::ContentFormatsBuilder::new();
        let builder = types
            .iter()
            .fold(builder, |builder, it| builder.add_mime_type(*it));
        offer(&builder.build())
    }

    #[test]
    fn files_are_known_whatever_else_they_are_offered_as() {
        for types in [
            &["text/plain;charset=utf-8", "text/uri-list"][..],
            &["x-special/gnome-copied-files", "UTF8_STRING"],
            &["application/vnd.portal.filetransfer", "text/plain"],
            &["image/png", "text/uri-list"],
        ] {
            assert_eq!(of(types), Offer::Addresses, "{types:?}");
        }
    }

    #[test]
    fn text_counts_more_than_a_picture_of_it() {
        assert_eq!(of(&["image/png", "text/html", "text/plain"]), Offer::Text);
        assert_eq!(of(&["UTF8_STRING", "TARGETS"]), Offer::Text);
        assert_eq!(of(&["image/png", "text/html"]), Offer::Picture);
        assert_eq!(of(&["application/x-thing"]), Offer::Other);
        assert_eq!(of(&[]), Offer::Nothing);
    }

    #[test]
    fn links_are_text_and_files_are_not() {
        let links = |addresses: &[&str]| {
            let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            as_links(&addresses)
        };
        assert_eq!(
            links(&["https://example.org/", "chatroom://10.0.0.1:53000"]).as_deref(),
            Some("https://example.org/\nchatroom://10.0.0.1:53000")
        );
        assert_eq!(links(&["https://example.org/", "file:///home/ada/x"]), None);
        assert_eq!(links(&["sftp://example.org/x"]), None);
        assert_eq!(links(&[]), None);
    }
}
