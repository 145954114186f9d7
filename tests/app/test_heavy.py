#!/usr/bin/env python3
"""Texts that are hard to lay out: the window stays as wide as it was, and answers."""

import re
import time

from stage import Stage, main, said, wait_for


class Heavy(Stage):
    def test_thousands_of_characters_without_a_space_hold_nothing_up(self):
        ada = self.host("Ada")
        eve = self.guest("Eve", ada.port)
        start = time.monotonic()
        # Nearly all that one may say at once.
        for character in "xy":
            eve.say(*[character * 4000] * 9)
        eve.say("the end")
        ada.sees(said("Eve", "the end"))
        ada.say("still here")
        ada.sees(said("You", "still here"))
        eve.hears("Ada: still here\n")
        # Where GTK tries every width of such texts it takes twice as long, and more.
        self.assertLess(time.monotonic() - start, 20)

    def test_no_script_holds_anything_up(self):
        ada = self.host("Ada")
        eve = self.guest("Eve", ada.port)
        for text in ("م", "क", "漢", "👋", "ก", "a\u0301"):
            with self.subTest(text):
                start = time.monotonic()
                eve.say(text * (4000 // len(text)), f"after {text}")
                ada.sees(said("Eve", f"after {text}"))
                self.assertLess(time.monotonic() - start, 10)

    def test_hundreds_of_messages_draw_no_complaint(self):
        # Groups of every length, so that rows are used again with a face and without one. Of
        # each guest no more than one may say at once.
        ada = self.host("Ada")
        guests = [self.guest(f"Guest {letter}", ada.port) for letter in "abcdefghijklmno"]
        for number in range(300):
            # One to five in a row; after fifteen such groups each guest has said 20 in all.
            guests[(number // 5 + (number % 5 > number // 75)) % 15].say(f"message {number}")
        ada.window.find("list item", re.compile("message"))
        wait_for("the newest message", lambda: any("message 2" in name for _, name in ada.rows()))
        ada.activate()
        self.desktop.press("F6", "Home", "End")
        wait_for("messages to be there", lambda: ada.rows())
        # What GTK complains of fails the test when the app is stopped.

    def test_a_row_of_tabs_makes_nothing_wider(self):
        ada = self.host("Ada")
        eve = self.guest("Eve", ada.port)
        before = ada.window.area()
        eve.say("a" + "\t" * 3000 + "b", "\t" * 60 + "c", "the end")
        ada.sees(said("Eve", "the end"))
        self.assertEqual(ada.window.area(), before)
        x, _, width, _ = ada.composer().area()
        self.assertLessEqual(x + width, before[2])


if __name__ == "__main__":
    main()
