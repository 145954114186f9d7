#!/usr/bin/env python3
"""A room is hosted, people come in by every door, and talk."""

import re

from stage import ADDRESS, BESIDE, Stage, main, said, wait_for


class Talk(Stage):
    def test_the_host_is_told_where_others_can_join(self):
        ada = self.host("Ada")
        first = ada.rows()[0][1]
        self.assertRegex(first, r"^The room is open\. Others can join at \S+:\d+")
        for address in ada.addresses():
            host, port = ADDRESS.match(address).groups()
            self.assertNotRegex(host, r"^(127\.|localhost|\[::1\]|0\.0\.0\.0)")
            self.assertEqual(int(port), ada.port)
            ada.window.find("button", f"Copy {address}")

    def test_two_windows_talk(self):
        ada = self.host("Ada")
        ben = self.app("Ben", at=BESIDE).activate()
        ben.window.find("button", "Join a Room").press()
        address = ben.window.find("text", re.compile("^Address"))
        wait_for("the focus on the address", lambda: address.has("focused"))
        self.desktop.type("localhost")
        ben.window.find("text", re.compile("^Port")).focus()
        self.desktop.type(str(ada.port))
        ben.window.find("button", "Join").press()
        ben.comes_in()
        ada.sees("Ben joined")
        ben.say("hello from Ben")
        ada.sees(said("Ben", "hello from Ben"))
        ben.sees(said("You", "hello from Ben"))
        ada.say("welcome")
        ben.sees(said("Ada", "welcome"))
        ada.sees(said("You", "welcome"))
        ben.window.find("label", "Ada’s Room")

    def test_people_in_terminals_see_and_are_seen(self):
        ada = self.host("Ada")
        listener = self.listener(ada.port)
        ada.sees("ServerListener joined")
        kim = self.guest("Kim", ada.port)
        ada.sees("Kim joined")
        ada.say("hello terminals")
        listener.prints("^Ada: hello terminals$")
        kim.hears("Ada: hello terminals\n")
        kim.say("hello window")
        ada.sees(said("Kim", "hello window"))
        listener.prints("^Kim: hello window$")
        kim.leave()
        ada.sees("Kim left")
        listener.prints("Kim.* left")
        ada.shows_members("Ada", "ServerListener")

    def test_the_members_are_listed(self):
        ada = self.host("Ada")
        ada.shows_members("Ada")
        ada.window.find("label", "1 member")
        ben = self.join("Ben", ada.port)
        kim = self.guest("Kim", ada.port)
        for app in (ada, ben):
            app.shows_members("Ada", "Ben", "Kim")
            app.window.find("label", "3 members")
        ben.window.find("label", "Host")
        ben.window.find("label", "You")
        kim.leave()
        for app in (ada, ben):
            app.shows_members("Ada", "Ben")
            app.window.find("label", "2 members")

    def test_a_name_in_use_gets_a_number(self):
        ada = self.host("Ada")
        other = self.join("Ada", ada.port)
        ada.shows_members("Ada", "Ada_1")
        other.say("who am I")
        ada.sees(said("Ada_1", "who am I"))

    def test_a_newcomer_reads_what_was_said_before(self):
        ada = self.host("Ada")
        for number in range(5):
            ada.say(f"number {number}")
        ada.sees(said("You", "number 4"))
        ben = self.join("Ben", ada.port)
        for number in range(5):
            ben.sees(said("Ada", f"number {number}"))

    def test_someone_without_a_name_is_offered_one(self):
        app = self.app("")
        name = app.window.find("text", "Your Name")
        offered = wait_for("a name", lambda: name.content())
        app.window.find("button", "Host a Room").press()
        app.comes_in()
        app.shows_members(offered)


if __name__ == "__main__":
    main()
