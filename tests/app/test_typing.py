#!/usr/bin/env python3
"""What is typed anywhere on the page is written, unless it does something there."""

import re

from stage import Stage, main, said, wait_for


class Typing(Stage):
    def is_written(self, app, text):
        """Waits until this, and no letter less, stands in the composer, which has the
        keyboard; then clears it."""
        wait_for(f"“{text}” in the composer, and not “{app.composer().content()}”",
                 lambda: app.composer().content() == text)
        self.has_focus(app, "text", "Message")
        self.desktop.press("ctrl+a", "BackSpace")
        wait_for("the composer to be empty", lambda: not app.composer().content())

    def test_what_is_typed_anywhere_on_the_page_is_written(self):
        ada = self.host("Ada").activate()
        address = ada.addresses()[0]
        ada.say("one")
        ada.sees(said("You", "one"))
        # After an address was copied.
        self.tab_to(ada, "button", f"Copy {address}", key="shift+Tab")
        self.desktop.press("space")
        self.desktop.type("Hello, you!")
        self.is_written(ada, "Hello, you!")
        # After Escape from a menu.
        self.desktop.press("F10")
        ada.window.find("menu", "Main Menu")
        self.desktop.press("Escape")
        wait_for("the menu to go", lambda: not ada.window.all("menu", "Main Menu"))
        self.desktop.type("after a menu")
        self.is_written(ada, "after a menu")
        # On a message, and on a member.
        self.desktop.press("F6")
        self.has_focus(ada, "list item", re.compile("^You: one"))
        self.desktop.type("on a row")
        self.is_written(ada, "on a row")
        self.desktop.press("F6", "F6")
        self.has_focus(ada, "list item", re.compile("^Ada$"))
        self.desktop.type("on a member")
        self.is_written(ada, "on a member")
        # A letter of two keys.
        self.desktop.press("F6")
        self.has_focus(ada, "list item", re.compile("^You: one"))
        self.desktop.press("dead_acute", "e")
        self.is_written(ada, "é")
        # What was copied elsewhere.
        self.desktop.press("F6")
        self.has_focus(ada, "list item", re.compile("^You: one"))
        self.desktop.press("ctrl+v")
        self.is_written(ada, address)

    def test_keys_that_do_something_are_not_written(self):
        ada = self.host("Ada").activate()
        self.tab_to(ada, "toggle button", "Members", key="shift+Tab")
        self.desktop.press("space")
        wait_for("the members to go", lambda: not ada.window.all("list", "Members"))
        self.desktop.press("Return")
        ada.window.find("list", "Members")
        self.has_focus(ada, "toggle button", "Members")
        # In a menu, letters choose.
        self.desktop.press("F10")
        ada.window.find("menu", "Main Menu")
        self.desktop.press("x")
        ada.window.find("menu", "Main Menu")
        self.desktop.press("Escape")
        wait_for("the menu to go", lambda: not ada.window.all("menu", "Main Menu"))
        self.assertEqual(ada.composer().content(), "")
        # In a dialog, they are nobody's.
        ada.say("one")
        ada.sees(said("You", "one"))
        self.desktop.press("ctrl+w")
        ada.window.find("button", "Close Room")
        self.desktop.type("no")
        self.desktop.press("Escape")
        wait_for("the question to go", lambda: not ada.window.all("button", "Close Room"))
        self.assertEqual(ada.composer().content(), "")


if __name__ == "__main__":
    main()
