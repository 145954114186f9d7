#!/usr/bin/env python3
"""Messages of every kind, and what becomes of one that is not said."""

import os
import re
import signal

from stage import Stage, main, said, wait_for, whole
from sentences import SENDING, TOO_LONG


class Messages(Stage):
    def test_a_message_of_several_lines_stays_together(self):
        ada = self.host("Ada")
        ben = self.join("Ben", ada.port)
        kim = self.guest("Kim", ada.port)
        ada.say("first line", "second line", "third line")
        ben.sees(said("Ada", "first line\nsecond line\nthird line"))
        ada.sees(said("You", "first line\nsecond line\nthird line"))
        # In a terminal nobody can forge a line of another.
        kim.hears("Ada: first line\nAda: second line\nAda: third line\n")

    def test_the_composer_grows_with_its_lines_up_to_a_limit(self):
        ada = self.host("Ada").activate()

        def height():
            return ada.composer().area()[3]

        one = height()
        self.desktop.type("one")
        self.desktop.press("shift+Return", "shift+Return")
        three = wait_for("the composer to grow", lambda: height() > one and height())
        self.desktop.press(*["shift+Return"] * 30)
        wait_for("all lines", lambda: ada.composer().text().count("\n") == 32)
        window = ada.window.area()[3]
        self.assertGreater(three, one)
        log = ada.window.find("log", "Messages")
        self.assertGreater(log.area()[3], window / 3, "the composer took the conversation's place")

    def test_a_long_message_is_wrapped_and_read_whole(self):
        ada = self.host("Ada")
        ben = self.join("Ben", ada.port)
        text = "word " * 700 + "end"
        ada.paste(text)
        self.desktop.press("Return")
        row = ben.sees(said("Ada", text))
        x, _, width, _ = row.area()
        self.assertLessEqual(x + width, ben.window.area()[2])
        unbroken = "x" * 600
        ada.paste(unbroken)
        self.desktop.press("Return")
        row = ben.sees(said("Ada", unbroken))
        x, _, width, _ = row.area()
        self.assertLessEqual(x + width, ben.window.area()[2])

    def test_a_message_over_the_limit_is_held_back_with_its_text(self):
        ada = self.host("Ada")
        text = "x" * 4001
        ada.paste(text)
        self.desktop.press("Return")
        ada.window.find("label", TOO_LONG)
        self.assertEqual(ada.composer().text(), text)
        self.desktop.press("BackSpace")
        wait_for("the text to be shorter", lambda: len(ada.composer().text()) == 4000)
        self.desktop.press("Return")
        ada.sees(said("You", ada_text := text[1:]))
        self.assertEqual(len(ada_text), 4000)

    def test_every_script_and_emoji_arrive_as_they_were_written(self):
        ada = self.host("Ada")
        ben = self.join("Ben", ada.port)
        kim = self.guest("Kim", ada.port)
        for text in ("שלום לכולם", "مرحبا بالجميع", "漢字とかな", "👋🏽 👩‍👩‍👧‍👦 🇺🇦", "a < b & <b>c</b>"):
            with self.subTest(text):
                ada.paste(text)
                self.desktop.press("Return")
                ben.sees(said("Ada", text))
                ada.sees(said("You", text))
                kim.hears(f"Ada: {text}\n")
        # And the way back.
        kim.say("שלום 👋")
        ada.sees(said("Kim", "שלום 👋"))

    def test_right_to_left_begins_at_the_right(self):
        ada = self.host("Ada")
        ada.paste("שלום לכולם")
        self.desktop.press("Return")
        row = ada.sees(said("You", "שלום לכולם"))
        label = row.find("label", "שלום לכולם")
        self.assertGreater(label.character_area(0)[0], label.character_area(9)[0])

    def test_a_link_to_a_room_opens_a_window_that_joins_it(self):
        server = self.server("--stay-open")
        ada = self.host("Ada").activate()
        link = f"chatroom://localhost:{server.port}"
        ada.paste(f"come to {link} <now> & talk")
        self.desktop.press("Return")
        row = ada.sees(said("You", f"come to {link} <now> & talk"))
        self.desktop.press("F6")
        wait_for("the focus on the message", lambda: row.has("focused"))
        # Into the text, and on to the link in it.
        self.desktop.press("Tab")
        wait_for("the focus in the message", lambda: not row.has("focused"))
        self.desktop.press("Tab", "Return")
        second = wait_for("a second window", lambda: self.desktop.windows(ada.process.pid)[1:])[0]
        members = second.find("list", "Members")
        self.assertEqual([node.name() for node in members.all("list item")], ["Ada"])

    def test_a_message_is_unconfirmed_until_the_server_has_it(self):
        server = self.server("--stay-open")
        ada = self.join("Ada", server.port, at=0)
        os.kill(server.process.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, server.process.pid, signal.SIGCONT)
        ada.say("is anyone there")
        row = ada.sees(said("You", "is anyone there", SENDING))
        row.find("image", "Sending")
        os.kill(server.process.pid, signal.SIGCONT)
        row = ada.sees(said("You", "is anyone there"))
        self.assertEqual(row.all("image", "Sending"), [])

    def test_who_writes_too_fast_is_slowed_down_and_nothing_is_missing(self):
        ada = self.host("Ada")
        kim = self.guest("Kim", ada.port)
        ada.activate()
        ada.composer().focus()
        for number in range(40):
            self.desktop.press(*str(number), "Return")
        ada.sees(said("You", "39", SENDING))
        kim.hears("Ada: 39\n")
        ada.sees(said("You", "39"))
        self.assertEqual(re.findall(r"Ada: (\d+)\n", kim._read()), [str(it) for it in range(40)])


if __name__ == "__main__":
    main()
