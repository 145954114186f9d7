#!/usr/bin/env python3
"""Texts that are hard to lay out: the window stays as wide as it was, and answers."""

import time

from stage import Stage, main, said


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
