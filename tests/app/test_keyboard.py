#!/usr/bin/env python3
"""All of it by keyboard alone."""

import re

from stage import BESIDE, Stage, main, said, wait_for
from sentences import CLOSED


class Keyboard(Stage):
    def send(self, app, text):
        self.has_focus(app, "text", "Message")
        self.desktop.type(text)
        self.desktop.press("Return")
        app.sees(said("You", text))

    def test_host_join_talk_and_leave(self):
        ada = self.app("Ada").activate()
        self.tab_to(ada, "button", "Host a Room")
        self.desktop.press("Return")
        ada.comes_in()
        self.send(ada, "first words")
        port = ada.addresses()[0].rpartition(":")[2]

        ben = self.app("Ben", at=BESIDE).activate()
        self.tab_to(ben, "button", "Join a Room")
        self.desktop.press("space")
        self.has_focus(ben, "text", re.compile("^Address"))
        self.desktop.type("localhost")
        self.tab_to(ben, "text", re.compile("^Port"))
        self.desktop.type(port)
        self.desktop.press("Return")
        ben.comes_in()
        self.send(ben, "hello from the keyboard")
        ada.sees(said("Ben", "hello from the keyboard"))

        self.desktop.press("alt+l")
        ben.is_home()
        self.has_focus(ben, "button", "Host a Room")
        ada.sees(re.compile("^Ben left$"))

        ada.activate()
        self.tab_to(ada, "button", "Leave", key="shift+Tab", steps=30)
        self.desktop.press("Return")
        # What was said would be lost.
        ada.window.find("button", "Close Room")
        self.desktop.press("alt+r")
        ada.is_home()
        self.desktop.press("ctrl+w")
        ada.has_ended()

    def test_the_name_can_be_changed_and_enter_hosts(self):
        ada = self.app("Ada").activate()
        # It is what a window begins with.
        self.has_focus(ada, "text", "Your Name")
        self.desktop.press("ctrl+a")
        self.desktop.type("Eve")
        self.desktop.press("Return")
        ada.comes_in()
        ada.shows_members("Eve")

    def test_f6_goes_round_the_parts_and_escape_back_to_writing(self):
        ada = self.host("Ada").activate()
        ada.say("one")
        ada.sees(said("You", "one"))
        self.has_focus(ada, "text", "Message")
        rows = re.compile("^You: one")
        self.desktop.press("F6")
        self.has_focus(ada, "list item", rows)
        self.desktop.press("F6")
        self.has_focus(ada, "list item", re.compile("^Ada$"))
        self.desktop.press("F6")
        self.has_focus(ada, "button", "Leave")
        self.desktop.press("F6")
        self.has_focus(ada, "text", "Message")
        self.desktop.press("shift+F6")
        self.has_focus(ada, "button", "Leave")
        self.desktop.press("Escape")
        self.has_focus(ada, "text", "Message")

    def test_f9_shows_and_hides_the_members(self):
        ada = self.host("Ada").activate()
        ada.window.find("list", "Members")
        self.desktop.press("F9")
        wait_for("the members to go", lambda: not ada.window.all("list", "Members"))
        self.desktop.press("F9")
        ada.window.find("list", "Members")

    def test_the_question_before_closing_is_answered_with_keys(self):
        ada = self.host("Ada").activate()
        kim = self.guest("Kim", ada.port)
        ada.shows_members("Ada", "Kim")
        self.desktop.press("ctrl+w")
        ada.window.find("button", "Close Room")
        # Enter does no harm.
        self.desktop.press("Return")
        wait_for("the question to go", lambda: not ada.window.all("button", "Close Room"))
        kim.say("still here")
        ada.sees(said("Kim", "still here"))
        self.desktop.press("ctrl+w")
        ada.window.find("button", "Close Room")
        self.desktop.press("alt+r")
        ada.has_ended()
        kim.is_let_go()

    def test_a_room_that_was_closed_can_be_read_and_left(self):
        server = self.server("--stay-open")
        kim = self.guest("Kim", server.port)
        kim.say("remember this")
        ben = self.join("Ben", server.port, at=0).activate()
        ben.sees(said("Kim", "remember this"))
        server.process.send_signal(2)
        ben.shows_banner(CLOSED)
        wait_for("the focus in the conversation", lambda: any(
            role in ("log", "list item") for role, _ in self.focus(ben)))
        self.tab_to(ben, "button", "Leave")
        self.desktop.press("Return")
        ben.is_home()

    def test_an_address_is_copied(self):
        ada = self.host("Ada").activate()
        address = ada.addresses()[0]
        self.tab_to(ada, "button", f"Copy {address}", key="shift+Tab")
        self.desktop.press("Return")
        self.desktop.press("Escape")
        self.has_focus(ada, "text", "Message")
        self.desktop.press("ctrl+v")
        wait_for("the address in the composer", lambda: ada.composer().text() == address)


if __name__ == "__main__":
    main()
