#!/usr/bin/env python3
"""A window as narrow as a telephone: nothing is out of reach."""

from stage import Stage, main, said, wait_for, whole
from sentences import LOST

WIDTH, HEIGHT = 360, 640
# The lowest window (window.blp).
LOWEST = 294
# The accessibility bus leaves out the margins of some parts.
SLACK = 8


class Narrow(Stage):
    def narrow(self, app):
        app.window.resize(WIDTH, HEIGHT)
        wait_for("the window to be narrow", lambda: app.window.area()[2:] == (WIDTH, HEIGHT))
        return app.activate()

    def is_inside(self, app):
        """Whatever can be pressed or written into is in the window, from edge to edge."""
        outside = []
        for _, node, role, name, _ in app.window.look():
            x, _, width, height = node.area()
            if role in ("button", "text", "toggle button", "label") and width and height:
                if x < -SLACK or x + width > WIDTH + SLACK:
                    outside.append(f"the {role} “{name}” from {x} to {x + width}")
        self.assertEqual(outside, [])

    def are_in_view(self, app, *buttons):
        """Each of these buttons is in the window, from top to bottom."""
        for name in buttons:
            area = app.window.find("button", name).area
            wait_for(f"all of “{name}” in view", lambda area=area: area()[1] >= 0
                     and area()[1] + area()[3] <= app.window.area()[3])

    def make_low(self, app):
        """As small as a window can be."""
        app.window.resize(WIDTH, LOWEST)
        wait_for("the window to be low", lambda: app.window.area()[2:] == (WIDTH, LOWEST))

    def test_the_ways_in_are_in_view_in_the_lowest_window(self):
        for times in (1, 2):
            with self.subTest(times=times):
                self.desktop.scale_text(times)
                self.addCleanup(self.desktop.scale_text, 1)
                app = self.app("Ada").activate()
                self.make_low(app)
                self.are_in_view(app, "Host a Room", "Join a Room")
                app.window.find("button", "Join a Room").press()
                self.are_in_view(app, "Join")

    def test_the_ways_in_are_in_view_beside_the_way_back(self):
        server = self.server("--stay-open")
        ben = self.join("Ben", server.port, at=0)
        wait_for("the stay on the disk", (ben.state / "chatroom/rooms.json").exists)
        ben.process.kill()
        ben.process.wait()
        ben = self.app("Ben")
        ben.window.find("button", "Dismiss")
        self.are_in_view(ben, "Dismiss", "Host a Room", "Join a Room")
        self.make_low(ben)
        self.are_in_view(ben, "Dismiss", "Host a Room", "Join a Room")

    def test_home_and_connect_fit(self):
        app = self.narrow(self.app("Ada"))
        self.is_inside(app)
        app.window.find("button", "Join a Room").press()
        app.window.find("button", "Join")
        self.is_inside(app)

    def test_the_chat_fits_and_its_members_fold_away(self):
        ada = self.narrow(self.host("Ada").activate())
        wait_for("the members to fold away", lambda: not ada.window.all("list", "Members"))
        wait_for("the focus on the composer", lambda: ada.composer().has("focused"))
        self.guest("Kim", ada.port)
        ada.say("hello from the telephone")
        ada.sees(said("You", "hello from the telephone"))
        ada.window.find("button", "Leave")
        ada.window.find("button", "Main Menu")
        ada.window.find("button", "Send")
        self.is_inside(ada)

    def test_the_members_are_one_press_away(self):
        ada = self.narrow(self.host("Ada"))
        self.guest("Kim", ada.port)
        wait_for("the members to fold away", lambda: not ada.window.all("list", "Members"))
        ada.window.find("toggle button", "Members").click()
        ada.shows_members("Ada", "Kim")
        self.is_inside(ada)
        self.desktop.press("Escape")
        wait_for("the members to fold away", lambda: not ada.window.all("list", "Members"))
        wait_for("the focus on the composer", lambda: ada.composer().has("focused"))

    def test_what_goes_wrong_fits(self):
        server = self.server()
        ben = self.narrow(self.join("Ben", server.port, at=0))
        server.process.kill()
        ben.shows_banner(LOST)
        self.is_inside(ben)
        ben.window.find("button", "Leave").click()
        ben.is_home()

    def test_the_question_before_closing_fits(self):
        ada = self.narrow(self.host("Ada"))
        self.guest("Kim", ada.port)
        ada.sees("Kim joined")
        ada.window.find("button", "Leave").click()
        ada.window.find("button", "Close Room")
        self.is_inside(ada)
        ada.window.find("button", "Close Room").click()
        ada.is_home()

    def test_a_long_word_of_another_makes_nothing_wider(self):
        ada = self.narrow(self.host("Ada"))
        kim = self.guest("Kim" + "m" * 29, ada.port)
        kim.say("w" * 300, "https://example.org/" + "a" * 300)
        ada.sees(whole("https://example.org/aaa"))
        self.is_inside(ada)


if __name__ == "__main__":
    main()
