#!/usr/bin/env python3
"""What was said long ago comes when one scrolls up, and what one reads stays where it is."""

import re
import signal

from stage import Stage, main, said, wait_for, xdotool
from sentences import BEGINNING, LOADING


class History(Stage):
    """A room on a server of its own, which sends a newcomer the last 100 messages."""

    def setUp(self):
        super().setUp()
        self.room = self.server("--stay-open", "--rate", "0")
        self.kim = self.guest("Kim", self.room.port)

    def say_many(self, number):
        self.kim.say(*(f"message {it}" for it in range(1, number + 1)))

    def join_after(self, number):
        """A window in the room in which so much was said, its list with the keyboard."""
        self.say_many(number)
        listener = self.listener(self.room.port)
        listener.prints(f"message {number}$")
        ada = self.join("Ada", self.room.port, at=0)
        ada.sees(said("Kim", f"message {number}"))
        ada.activate()
        self.desktop.press("F6")
        return ada

    def ends(self, app):
        """What is to be seen, and where each of it ends."""
        log = app.window.find("log", "Messages").area()
        places = [(name, row.area()) for row, name in app.rows()]
        # The accessibility bus knows rows that lie just outside of the list too.
        return [(name, x, y + height) for name, (x, y, _, height) in places
                if log[1] < y + height <= log[1] + log[3]]

    def still(self, app, other_than=None):
        """What is to be seen when nothing moves any more."""
        last = [None]

        def look():
            now = self.ends(app)
            same = now == last[0] and now != other_than
            last[0] = now
            return same and now

        return wait_for("the list to stand still", look)

    def first_number(self, rows):
        return int(re.search(r"message (\d+)", str(rows))[1])

    def keeps_still(self, ada, go_up):
        """Goes up while the server does not answer; then its answer moves nothing."""
        before = self.still(ada)
        self.room.process.send_signal(signal.SIGSTOP)
        try:
            go_up()
            ada.window.find(None, LOADING)
            before = self.still(ada, before)
        finally:
            self.room.process.send_signal(signal.SIGCONT)
        wait_for("the older messages", lambda: not ada.window.all(None, LOADING))
        # What comes may take the place of a heading that its group does not need now.
        now = [row for row in self.still(ada) if row in before]
        self.assertEqual(now, before)
        return before

    def test_what_is_read_stays_where_it_is_when_older_messages_come(self):
        ada = self.join_after(300)
        # At the very top, where the first row loses its heading to an older one.
        before = self.keeps_still(ada, lambda: self.desktop.press("Home"))
        self.assertEqual(self.first_number(before), 201)
        # And there is something above it now.
        self.desktop.press("Page_Up")
        now = self.still(ada, before)
        self.assertLess(self.first_number(now), 201)

    def test_who_turns_the_wheel_up_stays_where_they_are(self):
        ada = self.join_after(300)
        x, y, width, height = ada.window.find("log", "Messages").area()

        def go_up():
            xdotool("mousemove", "--window", ada.window.x11_id(), x + width // 2, y + height // 2)
            xdotool("click", "--repeat", 36, "--delay", "8", 4)

        self.keeps_still(ada, go_up)

    def test_the_beginning_of_a_thousand_messages_is_reached(self):
        ada = self.join_after(1000)
        seen = None
        for _ in range(40):
            self.desktop.press("Home")
            seen = self.still(ada, seen)
            if BEGINNING in str(seen):
                break
        # Only the first of a group has a heading, and nothing is missing.
        self.assertEqual([re.sub(", .*", "", name) for name, *_ in seen[:4]],
                         [BEGINNING, "Kim: message 1", "Kim: message 2", "Kim: message 3"])
        self.desktop.press("ctrl+End")
        ada.sees(said("Kim", "message 1000"))

    def test_a_short_history_has_its_beginning_in_view_and_a_new_room_has_none(self):
        ada = self.join_after(3)
        ada.sees(BEGINNING)
        rows = [re.sub(", .*", "", name) for _, name in ada.rows()]
        self.assertEqual(rows[:2], [BEGINNING, "Kim: message 1"])
        bob = self.host("Bob")
        self.guest("Eve", bob.port).say("hello")
        bob.sees(said("Eve", "hello"))
        self.assertEqual(bob.window.all(None, BEGINNING), [])


if __name__ == "__main__":
    main()
