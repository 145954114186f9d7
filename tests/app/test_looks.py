#!/usr/bin/env python3
"""What is to be seen can be read: contrast, edges, and nothing over its neighbours."""

import os
import re
from contextlib import contextmanager

from pictures import Picture, contrast
from stage import Stage, main, said, wait_for, whole

# What WCAG 2 asks for text, and for the edges of what is written into.
TEXT, EDGE = 4.5, 3
# The accessibility bus leaves out the margins of some parts.
SLACK = 8
SCHEMES = [(dark, high) for dark in (False, True) for high in (False, True)]
# The darkest, the lightest and the least colourful; and the usual one.
ACCENTS = ("blue", "yellow", "purple", "slate")
LINK = "https://example.org/plan"
CLOCK = re.compile(r"^\d\d:\d\d$")


class Looks(Stage):
    def look(self, dark=False, high=False, accent="blue", text=2):
        """How the windows that come next look. Large letters have strokes of full colour."""
        self.dark = dark
        os.environ["ADW_DEBUG_HIGH_CONTRAST"] = str(int(high))
        os.environ["ADW_DEBUG_ACCENT_COLOR"] = accent
        self.desktop.scale_text(text)

        def restore():
            self.dark = False
            self.desktop.scale_text(1)
            del os.environ["ADW_DEBUG_HIGH_CONTRAST"], os.environ["ADW_DEBUG_ACCENT_COLOR"]

        self.addCleanup(restore)

    @contextmanager
    def looking(self, **how):
        """A look by itself; its windows go with it."""
        with self.subTest(**how):
            self.look(**how)
            try:
                yield
            finally:
                self.doCleanups()

    def seen(self, app):
        path = self.desktop.folder / "seen.png"
        app.window.picture(path)
        return Picture(path)

    def is_readable(self, app, least, *areas):
        picture = self.seen(app)
        for what, area in areas:
            found = picture.contrast(*area)
            self.assertGreaterEqual(found, least, f"{what} has a contrast of {found:.2f}")

    def in_list(self, node, heads=True):
        """Where something in the conversation is; the bus leaves out paddings (style.css)."""
        x, y, width, height = node.area()
        return x + 12, y + (24 if heads else 14), width, height

    def area_of_text(self, label, text):
        """Where a text of one line stands in a bubble."""
        start = label.text().index(text)
        x, y, _, height = label.character_area(start)
        right, _, wide, _ = label.character_area(start + len(text) - 1)
        return x + 24, y + 31, right + wide - x, height

    def room(self):
        ada = self.host("Ada").activate()
        # Wide enough for the members beside large text.
        ada.window.resize(1400, 740)
        ada.window.find("list", "Members")
        kim = self.guest("Kim", ada.port)
        ada.sees("Kim joined")
        kim.say(f"see {LINK}")
        ada.sees(said("Kim", f"see {LINK}"))
        ada.paste(f"and {LINK}")
        self.desktop.press("Return")
        ada.sees(said("You", f"and {LINK}"))
        return ada

    def text_areas(self, ada):
        theirs, own = (row.find("label", whole(LINK)) for row in
                       (ada.sees(said("Kim", f"see {LINK}")), ada.sees(said("You", f"and {LINK}"))))
        members = ada.window.find("list", "Members")
        x, y, width, height = ada.composer().area()
        return [
            ("a join line", self.in_list(ada.window.find("label", "Kim joined"), heads=False)),
            ("a time", self.in_list(ada.window.find("label", CLOCK))),
            ("a link", self.area_of_text(theirs, LINK)),
            ("a link of one's own", self.area_of_text(own, LINK)),
            ("a text", self.area_of_text(theirs, "see")),
            ("a text of one's own", self.area_of_text(own, "and")),
            # Without its edge, which is in high contrast.
            ("the placeholder", (x + 20, y + 8, width - 40, height - 16)),
            ("a role", members.find("label", "You, the host").area()),
            ("the count of members", ada.window.find("label", "2 members").area()),
            ("the foot of the list", ada.window.find("label", re.compile("^Messages are")).area()),
        ]

    def test_all_text_of_a_room_has_contrast(self):
        for dark, high in SCHEMES:
            with self.looking(dark=dark, high=high):
                ada = self.room()
                self.is_readable(ada, TEXT, *self.text_areas(ada))

    def test_links_have_contrast_in_every_accent(self):
        for dark in (False, True):
            for accent in ACCENTS:
                with self.looking(dark=dark, accent=accent):
                    ada = self.room()
                    self.is_readable(ada, TEXT, *self.text_areas(ada)[2:6])

    def test_what_is_not_said_yet_has_contrast(self):
        for dark in (False, True):
            with self.looking(dark=dark):
                server = self.server("--stay-open")
                cable = self.cable(server.port)
                ada = self.join("Ada", cable.port, at=0)
                cable.swallows = True
                ada.say("is this said")
                row = ada.sees(said("You", "is this said", ", sending"))
                label = row.find("label", "is this said")
                area = self.area_of_text(label, "is this said")
                self.is_readable(ada, TEXT, ("what is being sent", area))
                ada.composer().write("x" * 4_003)
                hint = ada.window.find("label", "3 characters too many")
                self.is_readable(ada, TEXT, ("a hint", hint.area()))

    def test_home_and_connect_have_contrast(self):
        for dark in (False, True):
            with self.looking(dark=dark):
                app = self.app("Ada")
                app.is_home()
                self.is_readable(
                    app, TEXT,
                    ("a subtitle", app.window.find("label", "In rooms you host").area()))
                app.window.find("button", "Join a Room").press()
                words = app.window.find("label", re.compile("^Ask the host"))
                self.is_readable(app, TEXT, ("the description", words.area()))

    def test_in_high_contrast_everything_has_an_edge(self):
        for dark in (False, True):
            with self.looking(dark=dark, high=True, text=1):
                ada = self.room()
                picture = self.seen(ada)
                bubbles = [ada.sees(said(name, f"{word} {LINK}")).find("label", whole(LINK))
                           for name, word in (("Kim", "see"), ("You", "and"))]
                for node in bubbles:
                    x, y, _, height = self.in_list(node)
                    # From the page into the bubble, and not as far as its text.
                    across = picture.colours(x - 6, y + height // 2, 12, 1)
                    page = picture.colours(x - 6, y + height // 2, 1, 1).most_common(1)[0][0]
                    edge = max(contrast(colour, page) for colour in across)
                    self.assertGreaterEqual(edge, EDGE, f"the edge of the {node}")

    def test_a_name_with_many_marks_stays_on_its_line(self):
        ada = self.host("Ada").activate()
        kim = self.guest("Z" + "\u0302" * 31, ada.port)
        kim.say("hello")
        row = ada.sees(re.compile("^[ZẐ].*: hello"))
        name = wait_for("the name", lambda: row.all("label", re.compile("^[ZẐ]")))[0]
        picture = self.seen(ada)
        x, y, width, height = self.in_list(name)
        for place, top in (("above", y - 3), ("below", y + height + 1)):
            self.assertEqual(len(picture.colours(x, top, width, 2)), 1,
                             f"something is painted {place} the name")

    def test_the_title_is_readable_in_a_narrow_window_with_large_text(self):
        self.look()
        server = self.server("--stay-open", "--room-name", "Ada's Room")
        ada = self.join("Ada", server.port, at=0)
        wide = 1400
        for width in (wide, 360):
            ada.window.resize(width, 640)
            wait_for("the window to be so wide", lambda: ada.window.area()[2] == width)
            # None of its letters gives way to dots where there is less room.
            title = ada.window.find("label", "Ada's Room").area()[2]
            if width == wide:
                whole_title = title
            else:
                self.assertGreaterEqual(title, whole_title)
        for role, name in (("button", "Leave"), ("toggle button", "Members"),
                           ("button", "Main Menu"), ("button", "Send")):
            left, _, across, _ = ada.window.find(role, name).area()
            self.assertGreaterEqual(left, -SLACK, name)
            self.assertLessEqual(left + across, 360 + SLACK, name)


if __name__ == "__main__":
    main()
