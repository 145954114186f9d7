//! The bubble of a text in a conversation.
//!
//! A text is as wide as it likes, up to the available width, and as high as it then
//! needs. GTK's containers ask a label for more: its least width at a given height, which
//! takes seconds for thousands of characters without a space. And a text that cannot be
//! broken, such as a row of tabs, would make the window as wide as itself. This widget
//! does not ask the label for that, and needs only a small width.

use std::cell::RefCell;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

/// The least width, in pixels.
const NARROWEST: i32 = 60;

mod imp {
    use super::*;

    #[derive(Debug, Default, glib::Properties)]
    #[properties(wrapper_type = super::Bubble)]
    pub struct Bubble {
        /// The label.
        #[property(get, set = Self::set_child, nullable)]
        pub child: RefCell<Option<gtk::Widget>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Bubble {
        const NAME: &'static str = "ChatroomBubble";
        type Type = super::Bubble;
        type ParentType = gtk::Widget;

        fn class_init(class: &mut Self::Class) {
            class.set_accessible_role(gtk::AccessibleRole::Generic);
        }
    }

    #[glib::derived_properties]
    impl ObjectImpl for Bubble {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_overflow(gtk::Overflow::Hidden);
        }

        fn dispose(&self) {
            self.set_child(None);
        }
    }

    impl Bubble {
        fn set_child(&self, child: Option<gtk::Widget>) {
            if let Some(child) = &child {
                child.set_parent(&*self.obj());
            }
            if let Some(before) = self.child.replace(child) {
                before.unparent();
            }
        }

        /// The least and the natural width of the label, in pixels.
        fn widths(child: &gtk::Widget) -> (i32, i32) {
            let (narrow, wide, ..) = child.measure(gtk::Orientation::Horizontal, -1);
            (narrow, wide)
        }
    }

    impl WidgetImpl for Bubble {
        fn request_mode(&self) -> gtk::SizeRequestMode {
            gtk::SizeRequestMode::HeightForWidth
        }

        fn measure(&self, orientation: gtk::Orientation, for_size: i32) -> (i32, i32, i32, i32) {
            let child = self.child.borrow();
            let Some(child) = child.as_ref().filter(|child| child.should_layout()) else {
                return (0, 0, -1, -1);
            };
            let (narrow, wide) = Self::widths(child);
            if orientation == gtk::Orientation::Horizontal {
                return (narrow.min(NARROWEST), wide, -1, -1);
            }
            let width = if for_size < 0 {
                wide
            } else {
                for_size.max(narrow)
            };
            let (least, natural, ..) = child.measure(orientation, width);
            (least, natural, -1, -1)
        }

        fn size_allocate(&self, width: i32, height: i32, baseline: i32) {
            if let Some(child) = self
                .child
                .borrow()
                .as_ref()
                .filter(|child| child.should_layout())
            {
                let (narrow, _) = Self::widths(child);
                child.allocate(width.max(narrow), height, baseline, None);
            }
        }
    }
}

glib::wrapper! {
    /// The bubble of a text in a conversation.
    pub struct Bubble(ObjectSubclass<imp::Bubble>)
        @extends gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}
