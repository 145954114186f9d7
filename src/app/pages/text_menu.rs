//! The menu of selectable text, on every page and in every dialog of a window.
//!
//! GTK's own menu of a label offers to cut, paste and delete, which a label cannot do.
//! This menu has only possible actions, and says when one is done.

use adw::prelude::*;
use gettextrs::gettext;
use gtk::{gdk, gio, glib};

use crate::app::strings::{self, fill};
use crate::chat::links::{link_at, links};

use super::chat::LineRow;
use super::popup;

/// Gives every selectable label in `window` this menu: on a right click, a long press,
/// the Menu key and Shift+F10.
pub fn install(window: &impl IsA<gtk::Window>) {
    let window = window.upcast_ref::<gtk::Window>();
    let click = gtk::GestureClick::builder()
        .button(gdk::BUTTON_SECONDARY)
        .propagation_phase(gtk::PropagationPhase::Capture)
        .build();
    click.connect_pressed(|click, _, x, y| open_at(click.upcast_ref(), x, y));
    window.add_controller(click);

    let press = gtk::GestureLongPress::builder()
        .touch_only(true)
        .propagation_phase(gtk::PropagationPhase::Capture)
        .build();
    press.connect_pressed(|press, x, y| open_at(press.upcast_ref(), x, y));
    window.add_controller(press);

    let keys = gtk::EventControllerKey::new();
    keys.set_propagation_phase(gtk::PropagationPhase::Capture);
    keys.connect_key_pressed(glib::clone!(
        #[weak]
        window,
        #[upgrade_or]
        glib::Propagation::Proceed,
        move |_, key, _, modifiers| pressed(&window, key, modifiers)
    ));
    window.add_controller(keys);
}

/// Says that something was copied.
pub fn tell_copied(widget: &(impl IsA<gtk::Widget> + IsA<gtk::Accessible>)) {
    let words = gettext("Copied");
    let _ = widget.activate_action("window.tell", Some(&words.to_variant()));
    widget.announce(&words, gtk::AccessibleAnnouncementPriority::Medium);
}

/// An item of the menu: the name of its action, its label, and its function.
type Item = (&'static str, String, Box<dyn Fn(&gtk::Label)>);

/// A selectable text.
struct Target {
    label: gtk::Label,
    /// The whole text, as its author wrote it.
    whole: String,
}

/// The text of `widget`, or the text beside it in a row of the conversation.
fn target(widget: &gtk::Widget) -> Option<Target> {
    let row = line_row(widget);
    let label = widget
        .downcast_ref::<gtk::Label>()
        .filter(|label| label.is_selectable())
        .cloned()
        .or_else(|| nearest(widget, row.as_ref()?.upcast_ref()))?;
    // A label shows spaces instead of tabs. A card has several labels, each with a text
    // of its own.
    let whole = row
        .filter(LineRow::is_one_text)
        .and_then(|row| row.text())
        .unwrap_or_else(|| label.text().into());
    Some(Target { label, whole })
}

/// The row of the conversation that contains `widget`, or that is its only child.
fn line_row(widget: &gtk::Widget) -> Option<LineRow> {
    widget
        .ancestor(LineRow::static_type())
        .or_else(|| widget.first_child())
        .and_downcast()
}

/// The selectable label in `row` that is nearest to `widget`.
fn nearest(widget: &gtk::Widget, row: &gtk::Widget) -> Option<gtk::Label> {
    std::iter::successors(Some(widget.clone()), WidgetExt::parent)
        .take_while(|widget| widget == row || widget.is_ancestor(row))
        .find_map(|widget| selectable_in(&widget))
        .or_else(|| selectable_in(row))
}

/// The first selectable label in `widget`.
fn selectable_in(widget: &gtk::Widget) -> Option<gtk::Label> {
    let label = widget.downcast_ref::<gtk::Label>();
    if let Some(label) = label.filter(|label| label.is_selectable() && label.is_mapped()) {
        return Some(label.clone());
    }
    std::iter::successors(widget.first_child(), WidgetExt::next_sibling)
        .find_map(|child| selectable_in(&child))
}

fn open_at(gesture: &gtk::Gesture, x: f64, y: f64) {
    let Some(window) = gesture.widget().and_downcast::<gtk::Window>() else {
        return;
    };
    let Some(target) = window
        .pick(x, y, gtk::PickFlags::DEFAULT)
        .and_then(|widget| target(&widget))
    else {
        return;
    };
    gesture.set_state(gtk::EventSequenceState::Claimed);
    #[allow(clippy::cast_possible_truncation)] // pixels on a screen
    let place = gdk::Rectangle::new(x as i32, y as i32, 1, 1);
    let uri = link_below(&target.label, &window, x, y);
    open(&window, target, uri, &place);
}

/// The link in a label at a point of the window.
fn link_below(label: &gtk::Label, window: &gtk::Window, x: f64, y: f64) -> Option<String> {
    if !label.uses_markup() {
        return None;
    }
    #[allow(clippy::cast_possible_truncation)] // pixels on a screen
    let point = gtk::graphene::Point::new(x as f32, y as f32);
    let point = window.compute_point(label, &point)?;
    let (left, top) = label.layout_offsets();
    #[allow(clippy::cast_possible_truncation)] // pixels on a screen
    let (x, y) = (point.x() as i32 - left, point.y() as i32 - top);
    let scale = gtk::pango::SCALE;
    let (inside, at, _) = label
        .layout()
        .xy_to_index(x.saturating_mul(scale), y.saturating_mul(scale));
    let at = usize::try_from(at).ok().filter(|_| inside)?;
    link_at(&label.text(), at).map(|link| link.uri)
}

fn pressed(window: &gtk::Window, key: gdk::Key, modifiers: gdk::ModifierType) -> glib::Propagation {
    let modifiers = modifiers & gtk::accelerator_get_default_mod_mask();
    let Some(focus) = RootExt::focus(window) else {
        return glib::Propagation::Proceed;
    };
    let opens =
        key == gdk::Key::Menu || key == gdk::Key::F10 && modifiers == gdk::ModifierType::SHIFT_MASK;
    if opens && let Some(target) = target(&focus) {
        let bounds = target.label.compute_bounds(window);
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // pixels
        let place = bounds.map_or(gdk::Rectangle::new(0, 0, 1, 1), |it| {
            // The part of the label that is in the window.
            let top = it.y().max(0.0);
            let bottom = (it.y() + it.height()).min(window.height() as f32);
            let height = (bottom - top).max(1.0);
            gdk::Rectangle::new(it.x() as i32, top as i32, it.width() as i32, height as i32)
        });
        let uri = focused_link(&target.label);
        open(window, target, uri, &place);
        return glib::Propagation::Stop;
    }
    let copies = matches!(key, gdk::Key::c | gdk::Key::C | gdk::Key::Insert)
        && modifiers == gdk::ModifierType::CONTROL_MASK;
    if copies
        && let Some(label) = focus.downcast_ref::<gtk::Label>()
        && let Some(part) = selected(label)
    {
        copy(label, &part);
        return glib::Propagation::Stop;
    }
    glib::Propagation::Proceed
}

/// The focused link in a label, or its only link.
fn focused_link(label: &gtk::Label) -> Option<String> {
    if !label.uses_markup() {
        return None;
    }
    let focused = label.current_uri().map(String::from);
    focused.or_else(|| match links(&label.text()).as_slice() {
        [only] => Some(only.uri.clone()),
        _ => None,
    })
}

/// The selected part of a label.
fn selected(label: &gtk::Label) -> Option<String> {
    let (start, end) = label.selection_bounds()?;
    let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
    let text = label.text();
    let part: String = text.chars().take(end).skip(start).collect();
    (!part.is_empty()).then_some(part)
}

fn copy(label: &gtk::Label, text: &str) {
    label.clipboard().set_text(text);
    tell_copied(label);
}

fn open(window: &gtk::Window, target: Target, uri: Option<String>, place: &gdk::Rectangle) {
    let Target { label, whole } = target;
    let part = selected(&label);
    let menu = gio::Menu::new();
    let actions = gio::SimpleActionGroup::new();
    let section = |items: Vec<Item>| {
        if items.is_empty() {
            return;
        }
        let section = gio::Menu::new();
        for (name, words, does) in items {
            section.append(Some(&words), Some(&format!("text.{name}")));
            let action = gio::SimpleAction::new(name, None);
            action.connect_activate(glib::clone!(
                #[weak]
                label,
                move |_, _| does(&label)
            ));
            actions.add_action(&action);
        }
        menu.append_section(None, &section);
    };
    if let Some(uri) = uri {
        let to_open = uri.clone();
        section(vec![
            (
                "open-link",
                gettext("_Open Link"),
                Box::new(move |label| {
                    label.emit_by_name::<bool>("activate-link", &[&to_open]);
                }),
            ),
            (
                "copy-link",
                gettext("Copy _Link"),
                Box::new(move |label| copy(label, &uri)),
            ),
        ]);
    }
    let text = part.unwrap_or(whole);
    let is_text = line_row(label.upcast_ref()).is_none_or(|row| row.text().is_some());
    let copying: Vec<Item> = vec![
        (
            "copy",
            gettext("_Copy"),
            Box::new(move |label| copy(label, &text)),
        ),
        (
            "select-all",
            gettext("Select _All"),
            Box::new(|label| {
                label.grab_focus();
                label.select_region(0, -1);
            }),
        ),
    ];
    // Of an erased message there is nothing to copy.
    section(if is_text { copying } else { Vec::new() });
    if let Some(row) = line_row(label.upcast_ref()) {
        section(moderating(&row));
    }
    if menu.n_items() == 0 {
        return;
    }
    let popover = popup::menu(&menu, place);
    popover.insert_action_group("text", Some(&actions));
    popup::open(&popover, window);
}

/// What the user may do to the message of a row, and to its sender.
fn moderating(row: &LineRow) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    if let Some(seq) = row.erasable() {
        items.push((
            "erase",
            gettext("_Erase…"),
            Box::new(move |label| act(label, "room.erase", seq)),
        ));
    }
    if let Some((id, name)) = row.removable_sender() {
        let words = fill(
            &gettext("_Remove {name}…"),
            &[("name", &without_mnemonic(&name))],
        );
        items.push((
            "remove",
            words,
            Box::new(move |label| act(label, "room.remove-member", id.get())),
        ));
    }
    items
}

fn act(label: &gtk::Label, action: &str, target: u64) {
    let _ = label.activate_action(action, Some(&target.to_variant()));
}

/// A name for the label of a menu item, in which an underscore marks the letter to press.
fn without_mnemonic(name: &str) -> String {
    strings::isolated(name).replace('_', "__")
}
