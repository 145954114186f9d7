//! Passes keys that no other widget handles to the composer, because a user who types
//! wants to write.
//!
//! A key comes here only after the widget with the focus, and every shortcut, has ignored
//! it. So Space still presses a button, and Ctrl+C still copies.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::gdk::{Key, ModifierType};
use gtk::glib;

use crate::app::pages::ChatPage;

use super::Window;

/// With one of these modifiers a key is a shortcut, not a letter. The modifier for the
/// third level of a keyboard (`AltGr`) is not one of them.
const SHORTCUT: ModifierType = ModifierType::CONTROL_MASK
    .union(ModifierType::ALT_MASK)
    .union(ModifierType::SUPER_MASK)
    .union(ModifierType::META_MASK)
    .union(ModifierType::HYPER_MASK);

impl Window {
    /// Starts to listen to keys.
    pub(super) fn listen_to_keys(&self) {
        let keys = gtk::EventControllerKey::new();
        keys.set_propagation_phase(gtk::PropagationPhase::Bubble);
        keys.connect_key_pressed(glib::clone!(
            #[weak(rename_to = window)]
            self,
            #[upgrade_or]
            glib::Propagation::Proceed,
            move |keys, key, _, modifiers| window.key_is_left(keys, key, modifiers)
        ));
        self.add_controller(keys);
    }

    fn key_is_left(
        &self,
        keys: &gtk::EventControllerKey,
        key: Key,
        modifiers: ModifierType,
    ) -> glib::Propagation {
        let page = self.visible_chat();
        let Some(page) = page.filter(|_| is_writing(key, modifiers) && self.is_free_to_write())
        else {
            return glib::Propagation::Proceed;
        };
        // The composer has the focus from this key on, also for an input method, and for
        // the letter that follows an accent.
        match page.place_to_write() {
            Some(place) if keys.forward(&place) => glib::Propagation::Stop,
            _ => glib::Propagation::Proceed,
        }
    }

    fn visible_chat(&self) -> Option<ChatPage> {
        self.imp().navigation.visible_page().and_downcast()
    }

    /// Whether no dialog, menu or other text field takes the keys.
    fn is_free_to_write(&self) -> bool {
        let focus = gtk::prelude::GtkWindowExt::focus(self);
        let is_elsewhere = focus.is_some_and(|focus| {
            focus.is::<gtk::Text>()
                || focus.is::<gtk::TextView>()
                || focus.ancestor(gtk::Popover::static_type()).is_some()
        });
        self.visible_dialog().is_none() && !is_elsewhere
    }
}

/// Whether a key is a part of a text: a letter, an accent that waits for its letter, or a
/// request to paste.
fn is_writing(key: Key, modifiers: ModifierType) -> bool {
    let shortcut = modifiers & SHORTCUT;
    if shortcut == ModifierType::CONTROL_MASK {
        return matches!(key, Key::v | Key::V);
    }
    if !shortcut.is_empty() {
        return false;
    }
    if modifiers.contains(ModifierType::SHIFT_MASK) && key == Key::Insert {
        return true;
    }
    let is_letter = key.to_unicode().is_some_and(|letter| !letter.is_control());
    is_letter || begins_a_letter(key)
}

/// Whether a key begins a letter that further keys complete.
fn begins_a_letter(key: Key) -> bool {
    key == Key::Multi_key || key.name().is_some_and(|name| name.starts_with("dead_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: ModifierType = ModifierType::empty();

    #[test]
    fn letters_of_every_kind_are_writing() {
        for key in [Key::a, Key::A, Key::_1, Key::comma, Key::KP_5, Key::space] {
            assert!(is_writing(key, NONE), "{key:?}");
        }
        for key in [Key::eacute, Key::Cyrillic_zhe, Key::Hangul_A, Key::EuroSign] {
            assert!(is_writing(key, NONE), "{key:?}");
        }
        for key in [Key::dead_acute, Key::dead_circumflex, Key::Multi_key] {
            assert!(is_writing(key, NONE), "{key:?}");
        }
        assert!(is_writing(Key::at, ModifierType::SHIFT_MASK));
        // Caps Lock, and the third level of a keyboard.
        assert!(is_writing(Key::at, ModifierType::LOCK_MASK));
        assert!(is_writing(
            Key::EuroSign,
            ModifierType::from_bits_retain(1 << 7)
        ));
    }

    #[test]
    fn pasting_is_writing() {
        assert!(is_writing(Key::v, ModifierType::CONTROL_MASK));
        assert!(is_writing(Key::Insert, ModifierType::SHIFT_MASK));
    }

    #[test]
    fn keys_that_do_something_are_not() {
        for key in [
            Key::Return,
            Key::KP_Enter,
            Key::Escape,
            Key::Tab,
            Key::BackSpace,
            Key::Delete,
            Key::Insert,
            Key::F6,
            Key::Left,
            Key::Page_Up,
            Key::Shift_L,
            Key::Control_L,
            Key::ISO_Level3_Shift,
            Key::Menu,
        ] {
            assert!(!is_writing(key, NONE), "{key:?}");
        }
        for modifier in [
            ModifierType::CONTROL_MASK,
            ModifierType::ALT_MASK,
            ModifierType::SUPER_MASK,
            ModifierType::META_MASK,
        ] {
            assert!(!is_writing(Key::c, modifier), "{modifier:?}");
        }
        let both = ModifierType::CONTROL_MASK | ModifierType::SHIFT_MASK;
        assert!(!is_writing(Key::c, both));
    }
}
