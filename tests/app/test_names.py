#!/usr/bin/env python3
"""What a screen reader tells: everything that can be reached has a name, a row is a sentence."""

from stage import Stage, free_port, main, said, wait_for
from sentences import LOST, NO_ROOM, SENDING


# They hand the keyboard on to what is in them; that they do is tested by going round.
CONTAINERS = ("scroll pane", "panel", "list")


class Names(Stage):
    def all_are_named(self, app):
        """Whatever can have the keyboard says what it is."""
        nameless = [role for _, node, role, name, text in app.window.look()
                    if role not in CONTAINERS and node.has("focusable")
                    and not (name or text).strip()]
        if nameless:
            self.fail(f"without a name: {nameless}\n{app.window.tree()}")

    def go_round(self, app, most=40):
        """The stops of Tab, from here to here."""
        stops = []
        while len(stops) < most:
            stop = wait_for("something to have the focus", lambda: [
                (node.place, role, name) for _, node, role, name, _ in app.window.look()
                if node.has("focused")])[0]
            if stop[0] in [place for place, *_ in stops]:
                return [(role, name) for _, role, name in stops]
            stops.append(stop)
            self.desktop.press("Tab")
            wait_for("the focus to move", lambda: not app.window.at(stop[0]).has("focused"))
        raise AssertionError(f"Tab goes on and on: {stops}")

    def test_every_stop_of_tab_on_the_way_in_has_a_name(self):
        app = self.app("Ada").activate()
        stops = self.go_round(app)
        for wanted in (("text", "Your Name"), ("button", "Host a Room"), ("button", "Join a Room")):
            self.assertIn(wanted, stops)
        app.window.find("button", "Join a Room").press()
        app.window.find("button", "Join")
        stops += self.go_round(app)
        self.assertIn(("button", "Join"), stops)
        self.assertEqual([stop for stop in stops if not stop[1]], [])

    def test_every_stop_of_tab_in_a_room_has_a_name(self):
        ada = self.host("Ada")
        self.guest("Kim", ada.port).say("hello")
        ada.sees(said("Kim", "hello"))
        ada.activate()
        stops = self.go_round(ada)
        self.assertEqual([stop for stop in stops if not stop[1]], [])
        for wanted in (("text", "Message"), ("button", "Leave"), ("toggle button", "Members")):
            self.assertIn(wanted, stops)

    def test_home(self):
        app = self.app("Ada")
        app.is_home()
        self.all_are_named(app)

    def test_connect(self):
        app = self.app("Ada", f"localhost:{free_port()}")
        app.window.find("label", NO_ROOM)
        self.all_are_named(app)

    def test_chat(self):
        ada = self.host("Ada")
        kim = self.guest("Kim", ada.port)
        kim.say("hello", "see https://example.org")
        ada.sees(said("Kim", "see https://example.org"))
        ada.say("hello Kim")
        ada.sees(said("You", "hello Kim"))
        self.all_are_named(ada)

    def test_a_chat_that_is_cut_off(self):
        server = self.server()
        ben = self.join("Ben", server.port, at=0)
        server.process.kill()
        ben.shows_banner(LOST)
        ben.say("x")
        ben.sees(f"You: x{SENDING}")
        self.all_are_named(ben)

    def test_the_way_back(self):
        server = self.server()
        ben = self.join("Ben", server.port, at=0)
        wait_for("the stay on the disk", (ben.state / "chatroom/rooms.json").exists)
        ben.process.kill()
        ben.process.wait()
        ben = self.app("Ben")
        ben.window.find("button", "Dismiss")
        self.all_are_named(ben)

    def test_the_question_before_closing(self):
        ada = self.host("Ada")
        self.guest("Kim", ada.port)
        ada.sees("Kim joined")
        ada.window.find("button", "Leave").press()
        ada.window.find("button", "Close Room")
        self.all_are_named(ada)

    def test_what_is_about_the_app(self):
        app = self.app("Ada").activate()
        app.is_home()
        self.desktop.press("F10")
        app.window.find("menu item")
        self.desktop.press("Up", "Return")
        app.window.find("label", "The Chatroom developers")
        self.all_are_named(app)

    def test_the_menu(self):
        app = self.app("Ada").activate()
        app.is_home()
        self.desktop.press("F10")
        app.window.find("menu item")
        items = app.window.all("menu item")
        if not any(item.name() for item in items):
            self.skipTest("this GTK gives no name to any item of a menu on the accessibility bus")
        self.all_are_named(app)

    def test_the_conversation_is_a_log_of_sentences(self):
        ada = self.host("Ada")
        kim = self.guest("Kim", ada.port)
        kim.say("hello")
        ada.sees(said("Kim", "hello"))
        ada.say("hello Kim")
        ada.sees(said("You", "hello Kim"))
        sentences = [name for _, name in ada.rows()]
        self.assertRegex(sentences[0], r"^The room is open\. Others can join at \S+:\d+")
        self.assertEqual(sentences[1], "Kim joined")
        self.assertRegex(sentences[2], said("Kim", "hello"))
        self.assertRegex(sentences[3], said("You", "hello Kim"))
        self.assertEqual(len(sentences), 4)

    def test_the_members_say_what_they_are(self):
        ada = self.host("Ada")
        self.guest("Kim", ada.port)
        ada.shows_members("Ada", "Kim")
        members = ada.window.find("list", "Members")
        told = [(node.name(), node.description()) for node in members.all("list item")]
        self.assertEqual(sorted(told), [("Ada", "You, the host"), ("Kim", "")])

    def test_what_is_new_is_announced(self):
        ada = self.host("Ada")
        kim = self.guest("Kim", ada.port)
        ada.sees("Kim joined")
        with self.desktop.bus.listen(ada.window) as announced:
            kim.say("hello")
            wait_for("the announcement", lambda: "Kim: hello" in announced())
            kim.leave()
            ada.sees("Kim left")


if __name__ == "__main__":
    main()
