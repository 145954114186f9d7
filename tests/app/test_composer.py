#!/usr/bin/env python3
"""The composer: how much goes into it, and what does not."""

import re
import sys
import time
from pathlib import Path

from pictures import Picture
from stage import Stage, main, said, wait_for, xdotool
from sentences import DRAFT_GOES_ON, NO_FILES, NO_PICTURES, NOT_INSERTED

GIVER = Path(__file__).parent / "giver.py"
# The most that the composer holds: a message and a quarter.
MOST = 5_000
# Seconds. Where 60,000 letters were laid out it took four of them for every key.
QUICK = 2


class Composer(Stage):
    def give(self, kind, text=""):
        """Another program that offers something, in a window to drag it from."""
        file = self.desktop.folder / "given"
        file.write_text(text)
        giver = self.desktop.start(sys.executable, GIVER, kind, f"@{file}", stdout=2)
        self.addCleanup(self.take_away, giver)
        window = self.desktop.window(giver)
        window.move(900, 0)
        # The new window may have taken the keyboard.
        self.apps[-1].activate()
        wait_for("the focus on the composer", lambda: self.apps[-1].composer().has("focused"))
        return window

    def written(self, app):
        """What is in the composer; an empty one has no other text."""
        text = app.composer().text()
        return "" if text == "Message" else text

    def take_away(self, process):
        process.kill()
        process.wait()
        self.desktop.processes.remove(process)

    def writer(self):
        ada = self.host("Ada").activate()
        ada.composer().focus()
        return ada

    def drag(self, source, target):
        """Drags from the middle of one thing to the middle of another, as a hand does."""
        def middle(node):
            x, y, width, height = wait_for("a place", lambda: node.area()[2] and node.area())
            found = xdotool("getwindowgeometry", "--shell", node.window.x11_id())
            place = dict(line.split("=") for line in found if "=" in line)
            return int(place["X"]) + x + width // 2, int(place["Y"]) + y + height // 2

        (x, y), (to_x, to_y) = middle(source), middle(target)
        xdotool("mousemove", x, y, "mousedown", 1)
        for step in range(1, 11):
            xdotool("mousemove", x + (to_x - x) * step // 10, y + (to_y - y) * step // 10,
                    "sleep", "0.03")
        # The other side is asked first whether it takes it.
        xdotool("mousemove", to_x + 1, to_y, "sleep", "0.2", "mousemove", to_x, to_y,
                "sleep", "0.2", "mouseup", 1)

    def answers_quickly(self, app):
        """A key is answered at once."""
        before = self.written(app)
        start = time.monotonic()
        self.desktop.press("Home", "x")
        wait_for("the letter", lambda: self.written(app) != before)
        self.assertLess(time.monotonic() - start, QUICK)
        self.desktop.press("BackSpace", "ctrl+End")
        wait_for("the letter to go", lambda: self.written(app) == before)

    def test_a_paste_that_is_far_too_long_is_refused_and_the_selection_stays(self):
        for letters in ("x" * 100_000, "é" * 60_000, "مرحبا " * 20_000, "漢" * 60_000, "\n" * 300,
                        "👩‍👩‍👧" * 5_000):
            with self.subTest(letters[:3]):
                ada = self.writer()
                self.give("text", letters)
                self.desktop.type("so far")
                self.desktop.press("ctrl+a", "ctrl+v")
                ada.window.find("label", NOT_INSERTED)
                self.assertEqual(self.written(ada), "so far")
                self.answers_quickly(ada)
                self.doCleanups()

    def test_what_comes_by_the_primary_selection_is_bounded_too(self):
        ada = self.writer()
        self.give("text", "x" * 60_000)
        self.desktop.type("so far")
        ada.composer().click(button=2)
        ada.window.find("label", NOT_INSERTED)
        self.assertEqual(self.written(ada), "so far")

    def test_what_is_dropped_is_bounded_too(self):
        ada = self.writer()
        giver = self.give("text", "x" * 60_000)
        self.desktop.type("so far")
        self.drag(giver.find("label", "Drag this"), ada.composer())
        ada.window.find("label", NOT_INSERTED)
        self.assertEqual(self.written(ada), "so far")

    def test_what_a_screen_reader_writes_is_bounded_too(self):
        ada = self.writer()
        ada.composer().write("x" * 60_000)
        ada.window.find("label", NOT_INSERTED)
        self.assertLessEqual(len(self.written(ada)), MOST)
        self.answers_quickly(ada)

    def test_a_little_too_much_is_kept_to_be_cut_down_and_says_by_how_much(self):
        ada = self.writer()
        self.give("text", "x" * 4_998)
        self.desktop.press("ctrl+v")
        ada.window.find("label", "998 characters too many")
        self.answers_quickly(ada)
        self.desktop.press("y", "z")
        wait_for("two more letters", lambda: len(self.written(ada)) == MOST)
        self.desktop.press("q")
        ada.window.find("label", NOT_INSERTED)
        self.assertEqual(len(self.written(ada)), MOST)
        # Undone and done again, and never more.
        self.desktop.press(*["ctrl+z"] * 8)
        wait_for("nothing to be there", lambda: self.written(ada) == "")
        wait_for("the hint to go", lambda: not ada.window.all("label", NOT_INSERTED))
        self.desktop.press(*["ctrl+shift+z"] * 8)
        wait_for("all of it", lambda: len(self.written(ada)) == MOST)

    def test_lines_are_counted_too(self):
        ada = self.writer()
        ada.composer().write("line\n" * 103 + "line")
        ada.window.find("label", "4 lines too many")
        ada.composer().write("\n" * 130)
        ada.window.find("label", NOT_INSERTED)

    def test_a_draft_longer_than_the_composer_follows_part_by_part(self):
        server = self.server("--stay-open")
        ada = self.join("Ada", server.port, at=0)
        ada.activate().composer().focus()
        self.desktop.type("draft")
        file = ada.state / "chatroom/rooms.json"
        wait_for("the draft on the disk", lambda: file.exists() and '"draft"' in file.read_text())
        ada.process.kill()
        ada.process.wait()
        first, second = "a" * 3_000, "b" * 3_000
        text = file.read_text()
        self.assertIn('"draft":"draft"', text.replace('": "', '":"'))
        file.write_text(re.sub(r'"draft": ?"draft"', f'"draft":"{first}\\\\n{second}"', text))
        ada = self.join("Ada", server.port, at=0)
        wait_for("the first part", lambda: self.written(ada) == first)
        ada.window.find("label", DRAFT_GOES_ON)
        ada.activate().composer().focus()
        self.desktop.press("Return")
        ada.sees(said("You", first))
        wait_for("the second part", lambda: self.written(ada) == second)
        wait_for("the hint to go", lambda: not ada.window.all("label", DRAFT_GOES_ON))
        self.desktop.press("Return")
        ada.sees(said("You", second))

    def test_an_address_gets_no_hyphen_where_its_line_ends(self):
        ada = self.writer()
        # Of nothing but upright strokes: a hyphen would be the only level one.
        ada.paste("i" * 300)
        path = self.desktop.folder / "lines.png"
        ada.window.picture(path)
        x, y, width, height = ada.composer().area()
        picture = Picture(path)
        # Without the edge and the outline of the composer.
        area = (x + 10, y + 10, width - 16, height - 20)
        ground = picture.colours(*area).most_common(1)[0][0]
        self.assertGreater(len(picture.colours(*area)), 1)
        self.assertLess(picture.longest_stroke(*area, ground), 4, "there is a hyphen")

    def test_files_are_not_pasted_as_their_paths(self):
        ada = self.writer()
        for path in ("/home/ada/secret/plan.odt", "/home/ada/a b\n/home/ada/c"):
            with self.subTest(path):
                giver = self.give("files", path)
                self.desktop.press("ctrl+v")
                ada.window.find("label", NO_FILES)
                self.assertEqual(self.written(ada), "")
                self.desktop.press("x", "BackSpace")
                wait_for("the hint to go", lambda: not ada.window.all("label", NO_FILES))
                self.take_away_all(giver)

    def take_away_all(self, _window):
        for process in list(self.desktop.processes):
            if str(GIVER) in map(str, process.args):
                process.kill()
                process.wait()

    def test_files_that_are_dropped_anywhere_are_not_taken(self):
        ada = self.writer()
        giver = self.give("files", "/home/ada/secret/plan.odt")
        for target in (ada.composer(), ada.window.find("log", "Messages")):
            with self.subTest(str(target)):
                self.drag(giver.find("label", "Drag this"), target)
                ada.window.find("label", NO_FILES)
                self.assertEqual(self.written(ada), "")
                ada.activate()
                ada.composer().focus()
                self.desktop.press("x", "BackSpace")
                wait_for("the hint to go", lambda: not ada.window.all("label", NO_FILES))

    def test_a_picture_is_not_taken_silently(self):
        ada = self.writer()
        giver = self.give("picture")
        self.desktop.press("ctrl+v")
        ada.window.find("label", NO_PICTURES)
        self.desktop.press("x", "BackSpace")
        wait_for("the hint to go", lambda: not ada.window.all("label", NO_PICTURES))
        self.drag(giver.find("label", "Drag this"), ada.window.find("log", "Messages"))
        ada.window.find("label", NO_PICTURES)

    def test_rich_text_is_pasted_plain_and_links_are_text(self):
        ada = self.writer()
        giver = self.give("rich", "bold words")
        self.desktop.press("ctrl+v")
        wait_for("the words", lambda: self.written(ada) == "bold words")
        self.take_away_all(giver)
        self.give("files", "https://example.org/a")
        self.desktop.press("ctrl+a", "ctrl+v")
        wait_for("the link", lambda: self.written(ada) == "https://example.org/a")

    def test_text_that_is_dropped_anywhere_is_written(self):
        ada = self.writer()
        giver = self.give("text", "dropped")
        self.drag(giver.find("label", "Drag this"), ada.window.find("log", "Messages"))
        wait_for("the text", lambda: self.written(ada) == "dropped")
        self.drag(giver.find("label", "Drag this"), ada.composer())
        wait_for("the text again", lambda: self.written(ada) == "droppeddropped")


if __name__ == "__main__":
    main()
