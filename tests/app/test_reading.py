#!/usr/bin/env python3
"""The list stays at its end for who is there, and is not moved for who reads further up."""

import re

from stage import Stage, main, said, wait_for, xdotool


class Reading(Stage):
    """A room on a server of its own that lets people talk as fast as they like."""

    def setUp(self):
        super().setUp()
        self.room = self.server("--stay-open", "--rate", "0", "--history", "1000")
        self.kim = self.guest("Kim", self.room.port)

    def say_many(self, first, last):
        self.kim.say(*(f"message {number}" for number in range(first, last + 1)))

    def wheel(self, app, button, times):
        """Turns the mouse wheel over the conversation: 4 is up, 5 is down."""
        x, y, width, height = app.window.find("log", "Messages").area()
        xdotool("mousemove", "--window", app.window.x11_id(), x + width // 2, y + height // 2)
        xdotool("click", "--repeat", times, "--delay", "8", button)

    def places(self, app):
        """What is to be seen, and where."""
        return [(name, row.area()) for row, name in app.rows()]

    def read_further_up(self, app):
        """Scrolls up, and waits until nothing moves."""
        before = self.places(app)
        self.wheel(app, 4, 20)
        app.window.find("button", "Go to the Newest Message")
        last = [None]

        def still():
            now = self.places(app)
            same = now == last[0] and now != before
            last[0] = now
            return same and now

        return wait_for("the list to stand still", still)

    def test_a_list_at_its_end_stays_there(self):
        ada = self.join("Ada", self.room.port, at=0)
        self.say_many(1, 300)
        ada.sees(said("Kim", "message 300"))
        self.assertEqual(ada.window.all("button", re.compile("Newest|New Message")), [])
        for number in range(301, 321):
            self.kim.say(f"message {number}")
            ada.sees(said("Kim", f"message {number}"))
        # The last row is whole: its end is above the end of the list.
        log = ada.window.find("log", "Messages").area()
        row = ada.sees(said("Kim", "message 320")).area()
        self.assertLessEqual(row[1] + row[3], log[1] + log[3])

    def test_who_reads_further_up_is_not_moved_and_can_come_back(self):
        ada = self.join("Ada", self.room.port, at=0)
        self.say_many(1, 300)
        ada.sees(said("Kim", "message 300"))
        before = self.read_further_up(ada)
        self.assertNotIn("message 300", str(before))
        self.say_many(301, 305)
        ada.window.find("button", "5 New Messages")
        self.assertEqual(self.places(ada), before)
        self.kim.say("message 306")
        button = ada.window.find("button", "6 New Messages")
        self.assertEqual(self.places(ada), before)
        button.click()
        ada.sees(said("Kim", "message 306"))
        wait_for("the button to go", lambda: not ada.window.all(
            "button", re.compile("Newest|New Message")))
        # And it follows again.
        self.kim.say("message 307")
        ada.sees(said("Kim", "message 307"))

    def test_a_burst_while_reading_further_up_moves_nothing(self):
        ada = self.join("Ada", self.room.port, at=0)
        self.say_many(1, 300)
        ada.sees(said("Kim", "message 300"))
        before = self.read_further_up(ada)
        self.say_many(301, 600)
        ada.window.find("button", "300 New Messages")
        self.assertEqual(self.places(ada), before)
        ada.activate()
        self.desktop.press("ctrl+End")
        ada.sees(said("Kim", "message 600"))

    def test_scrolling_back_to_the_end_follows_again(self):
        ada = self.join("Ada", self.room.port, at=0)
        self.say_many(1, 300)
        ada.sees(said("Kim", "message 300"))
        self.read_further_up(ada)
        self.say_many(301, 303)
        ada.window.find("button", "3 New Messages")
        self.wheel(ada, 5, 60)
        ada.sees(said("Kim", "message 303"))
        wait_for("the button to go", lambda: not ada.window.all(
            "button", re.compile("Newest|New Message")))
        self.kim.say("message 304")
        ada.sees(said("Kim", "message 304"))

    def test_an_own_message_brings_one_to_the_end(self):
        ada = self.join("Ada", self.room.port, at=0)
        self.say_many(1, 300)
        ada.sees(said("Kim", "message 300"))
        self.read_further_up(ada)
        ada.say("here I am")
        ada.sees(said("You", "here I am"))

    def test_the_end_stays_in_view_when_the_window_changes_its_size(self):
        ada = self.join("Ada", self.room.port, at=0)
        self.say_many(1, 300)
        ada.sees(said("Kim", "message 300"))
        for width, height in ((360, 500), (760, 400), (760, 640)):
            ada.window.resize(width, height)
            wait_for(f"the window to be {width} wide",
                     lambda: ada.window.area()[2:] == (width, height))
            ada.sees(said("Kim", "message 300"))

    def test_the_end_of_a_message_taller_than_the_window_is_in_view(self):
        self.say_many(1, 300)
        tall = "word " * 790 + "end"
        self.kim.say(tall)
        ada = self.join("Ada", self.room.port, at=0)

        def end_is_in_view():
            log = ada.window.find("log", "Messages").area()
            row = ada.sees(said("Kim", tall)).area()
            return row[3] > log[3] and row[1] + row[3] <= log[1] + log[3]

        wait_for("the end of the tall message", end_is_in_view)

    def test_a_newcomer_begins_at_the_end_of_a_long_history(self):
        self.say_many(1, 300)
        self.kim.say("?{quit}")
        ada = self.join("Ada", self.room.port, at=0)
        ada.sees(said("Kim", "message 300"))


if __name__ == "__main__":
    main()
