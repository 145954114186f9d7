#!/usr/bin/env python3
"""The menu of a text: what can be done with it, and a sign that it was done."""

import re

from stage import Stage, free_port, main, said, wait_for, whole, xdotool
from sentences import COPIED

LINK = "https://example.org/plan"
# The bus leaves out the padding of the list, its rows and the bubble (style.css): a message is
# so far to the right of and below the place that is told, in pixels.
ASIDE, BELOW = 24, 31


# What a host can do besides, about what someone else has said.
AS_HOST = ("Erase…", "Remove Kim…")


class Menu(Stage):
    def room(self):
        ada = self.host("Ada").activate()
        kim = self.guest("Kim", ada.port)
        ada.sees("Kim joined")
        kim.say(f"see {LINK} now")
        return ada, ada.sees(said("Kim", f"see {LINK} now")).find("label", whole(LINK))

    def opens(self, app, *names):
        """Waits for the menu, and that it has these items and no other."""
        app.window.find("menu item")
        items = app.window.all("menu item")
        shown = [item.name() or next((it.name() for it in item.all("label")), "")
                 for item in items]
        # This GTK may tell no names; then their number tells something.
        if any(shown):
            self.assertEqual(shown, list(names))
        self.assertEqual(len(items), len(names), app.window.tree())

    def chooses(self, app, number):
        """Chooses an item, by its number from the top."""
        app.window.all("menu item")[number - 1].press()
        wait_for("the menu to go", lambda: not app.window.all("menu item"))

    def has_copied(self, app, text):
        """It says so, and what was copied is what is pasted."""
        app.window.find("label", COPIED)
        app.composer().focus()
        self.desktop.press("ctrl+v")
        wait_for(f"“{text}” to be pasted", lambda: app.composer().text() == text)
        self.desktop.press("ctrl+a", "BackSpace")
        # Then it has no text but its name.
        wait_for("an empty composer", lambda: app.composer().text() == "Message")

    def click_at(self, label, place, aside=ASIDE, below=BELOW):
        """A right click on a character."""
        x, y, width, height = label.character_area(place)
        xdotool("mousemove", "--window", label.window.x11_id(), x + width // 2 + aside,
                y + height // 2 + below, "click", 3)

    def test_a_message_can_be_copied_by_a_right_click(self):
        ada, label = self.room()
        self.click_at(label, 1)
        self.opens(ada, "Copy", "Select All", *AS_HOST)
        self.chooses(ada, 1)
        self.has_copied(ada, f"see {LINK} now")

    def test_a_link_can_be_copied_by_itself(self):
        ada, label = self.room()
        self.click_at(label, 8)
        self.opens(ada, "Open Link", "Copy Link", "Copy", "Select All", *AS_HOST)
        self.chooses(ada, 2)
        self.has_copied(ada, LINK)

    def test_all_of_a_message_is_selected_and_then_copied(self):
        ada, label = self.room()
        self.click_at(label, 1)
        self.opens(ada, "Copy", "Select All", *AS_HOST)
        self.chooses(ada, 2)
        wait_for("the selection", lambda: label._ask("Text", "GetSelection", "(i)", 0)
                 == (0, len(label.text())))
        self.desktop.press("ctrl+c")
        self.has_copied(ada, f"see {LINK} now")

    def test_the_menu_key_opens_it_on_the_message_that_has_the_focus(self):
        for keys in (("Menu",), ("shift+F10",)):
            with self.subTest(keys):
                ada, label = self.room()
                row = ada.sees(said("Kim", f"see {LINK} now"))
                ada.composer().focus()
                self.desktop.press("F6")
                wait_for("the focus on the message", lambda: row.has("focused"))
                self.desktop.press(*keys)
                # Its only link can be had.
                self.opens(ada, "Open Link", "Copy Link", "Copy", "Select All", *AS_HOST)
                self.chooses(ada, 3)
                self.has_copied(ada, f"see {LINK} now")
                self.doCleanups()

    def test_a_join_line_and_an_address_have_the_same_menu(self):
        ada, _ = self.room()
        self.click_at(ada.window.find("label", "Kim joined"), 1, below=14)
        self.opens(ada, "Copy", "Select All")
        self.chooses(ada, 1)
        self.has_copied(ada, "Kim joined")
        address = ada.addresses()[-1]
        self.click_at(ada.window.find("label", address), 1, below=24)
        self.opens(ada, "Copy", "Select All")
        self.chooses(ada, 1)
        self.has_copied(ada, address)

    def test_what_went_wrong_while_connecting_has_the_same_menu(self):
        app = self.app("Ada", f"localhost:{free_port()}").activate()
        trouble = app.window.find("label", re.compile(r"localhost:\d+"))
        self.click_at(trouble, 1, 0, 0)
        self.opens(app, "Copy", "Select All")
        self.chooses(app, 1)
        app.window.find("label", COPIED)

    def test_a_window_is_closed_while_its_menu_is_open(self):
        ada, label = self.room()
        self.click_at(label, 1)
        self.opens(ada, "Copy", "Select All", *AS_HOST)
        ada.process.terminate()
        ada.has_ended()

    def test_a_message_with_the_focus_is_copied_and_says_so(self):
        ada, _ = self.room()
        row = ada.sees(said("Kim", f"see {LINK} now"))
        ada.composer().focus()
        self.desktop.press("F6")
        wait_for("the focus on the message", lambda: row.has("focused"))
        self.desktop.press("ctrl+c")
        self.has_copied(ada, f"see {LINK} now")


if __name__ == "__main__":
    main()
