#!/usr/bin/env python3
"""A lost connection, and an app that was killed: nothing is missing, and nothing is there twice."""

import copy
import re

from stage import Stage, free_port, main, said, wait_for
from sentences import BACK, LOST, NEW_ROOM, NOT_SENT, RETURN, SENDING, STOPPING, you_are_back


class Return(Stage):
    def texts(self, app):
        """What was said, as far as it can be seen, without the time."""
        return [re.sub(r", \d\d:\d\d$", "", name) for _, name in app.rows()]

    def types(self, app, text):
        """Types, and does not send."""
        app.activate()
        app.composer().focus()
        self.desktop.type(text)
        wait_for("what was typed", lambda: app.composer().text() == text)

    def is_written(self, text):
        """Waits until it is on the disk."""
        file = self.state_of("Ben") / "chatroom/rooms.json"
        wait_for(f"“{text}” on the disk", lambda: file.exists() and text in file.read_text())
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)

    def test_what_was_missed_comes_and_what_was_said_meanwhile_is_said(self):
        room = self.server("--stay-open")
        cable = self.cable(room.port)
        kim = self.guest("Kim", room.port)
        ben = self.join("Ben", cable.port)
        eve = self.join("Eve", room.port, at=0)
        cable.cut()
        ben.shows_banner(LOST)
        eve.sees("Ben lost the connection")
        kim.say("one", "two")
        eve.sees(said("Kim", "two"))
        ben.say("mine")
        ben.sees(said("You", "mine", SENDING))
        ben.window.find("button", "Try Now").press()
        cable.mend()
        ben.banner_goes()
        ben.sees(said("You", "mine"))
        ben.sees(you_are_back(2))
        eve.sees("Ben is back")
        eve.sees(said("Ben", "mine"))
        kim.hears("Ben: mine\n")
        for app, name in ((ben, "You"), (eve, "Ben")):
            messages = [text for text in self.texts(app) if ": " in text]
            self.assertEqual(messages, ["Kim: one", "Kim: two", f"{name}: mine"])
        ben.shows_members("Kim", "Ben", "Eve")

    def test_who_is_away_is_seen_as_away(self):
        room = self.server("--stay-open", "--grace", "3")
        cable = self.cable(room.port)
        ben = self.join("Ben", cable.port)
        eve = self.join("Eve", room.port, at=0)
        cable.cut()
        eve.window.find("list item", "Ben")
        eve.window.find("label", "Away")
        # After the server's patience.
        eve.sees("Ben left")
        eve.shows_members("Eve")
        ben.window.find("button", "Leave").press()
        ben.is_home()

    def test_a_service_that_restarts_is_waited_for_and_may_have_forgotten(self):
        port = free_port()
        room = self.server("--stay-open", port=port)
        ben = self.join("Ben", port)
        self.guest("Kim", port).say("remember this")
        ben.sees(said("Kim", "remember this"))
        room.process.terminate()
        ben.shows_banner(STOPPING)
        room.process.wait()
        self.server("--stay-open", port=port)
        ben.banner_goes()
        ben.sees(NEW_ROOM)
        ben.sees(said("Kim", "remember this"))
        self.guest("Kim", port).say("hello again")
        ben.sees(said("Kim", "hello again"))

    def test_what_may_not_have_been_said_can_be_sent_again_or_deleted(self):
        # Who comes back is another member.
        room = self.server("--stay-open", "--rate", "0", "--grace", "0")
        cable = self.cable(room.port)
        kim = self.guest("Kim", room.port)
        ben = self.join("Ben", cable.port)
        cable.swallows = True
        for text in ("first", "second"):
            ben.say(text)
            ben.sees(said("You", text, SENDING))
        cable.cut()
        ben.shows_banner(LOST)
        # More than the room holds: nobody knows whether they are among it.
        kim.say(*(f"message {number}" for number in range(1, 10_200)), "last")
        self.listener(room.port).prints("last$")
        cable.swallows = False
        cable.mend()
        ben.banner_goes()
        for text in ("first", "second"):
            ben.sees(said("You", text, NOT_SENT))
        ben.sees(BACK)
        # By the keyboard, which stays in the window.
        ben.activate()
        self.tab_to(ben, "Delete")
        self.desktop.press("Return")
        wait_for("the second to go", lambda: not ben.window.all(None, re.compile("You: second")))
        wait_for("the focus on the composer", lambda: ben.composer().has("focused"))
        self.tab_to(ben, "Send Again")
        self.desktop.press("space")
        ben.sees(said("You", "first"))
        kim.hears("Ben: first\n")
        wait_for("the focus on the message", lambda: any(
            node.has("focused") for node, name in ben.rows() if "You: first" in name))

    def tab_to(self, app, button):
        """From the composer to a button of the newest message."""
        def focused():
            return [name for _, node, role, name, _ in app.window.look() if node.has("focused")]

        for key in ("F6", "Tab", "Tab", "Tab"):
            before = focused()
            self.desktop.press(key)
            wait_for("the focus to move", lambda: focused() not in ([], before))
            if focused() == [button]:
                return
        raise AssertionError(f"The focus is on {focused()}:\n{app.window.tree()}")

    def test_a_cut_that_is_over_at_once_is_not_worth_a_banner(self):
        room = self.server("--stay-open")
        cable = self.cable(room.port)
        ben = self.join("Ben", cable.port)
        eve = self.join("Eve", room.port, at=0)
        with self.desktop.bus.listen(ben.window) as announced:
            cable.jolt()
            eve.sees("Ben is back")
            self.guest("Kim", room.port).say("hello")
            wait_for("the announcement", lambda: "Kim: hello" in announced())
            self.assertEqual([words for words in announced() if "onnect" in words], [])
        self.assertEqual(ben.window.all("button", "Try Now"), [])

    def test_each_window_in_a_room_has_a_draft_and_a_way_back(self):
        room = self.server("--stay-open")
        ben = self.join("Ben", room.port)
        other = self.second_window(ben)
        other.window.find("button", "Join a Room").press()
        other.window.find("button", "Join").press()
        other.comes_in()
        for app, text in ((ben, "one thought"), (other, "another")):
            self.types(app, text)
            self.is_written(text)
        file = self.state_of("Ben") / "chatroom/rooms.json"
        wait_for("both stays on the disk", lambda: file.read_text().count('"session"') == 2)
        ben.process.kill()
        ben.process.wait()
        ben = self.app("Ben", at=800)
        drafts = []
        for app in (ben, self.second_window(ben)):
            app.activate()
            app.window.find(None, RETURN)
            self.desktop.press("Return")
            app.comes_in()
            drafts.append(app.composer().text())
        self.assertEqual(sorted(drafts), ["another", "one thought"])
        wait_for("them as they were", lambda: sorted(ben.members()) == ["Ben", "Ben_1"])

    def second_window(self, app):
        app.activate()
        self.desktop.press("ctrl+n")
        other = copy.copy(app)
        windows = wait_for("a second window", lambda: [
            window for window in self.desktop.windows(app.process.pid)
            if window.place != app.window.place and window.is_showing() and window.x11_id()])
        other.window = windows[0]
        other.window.move(0, 0)
        return other

    def test_a_draft_outlives_the_app(self):
        room = self.server("--stay-open")
        ben = self.join("Ben", room.port)
        self.types(ben, "half a thought")
        self.is_written("half a thought")
        ben.process.kill()
        ben.process.wait()
        ben = self.join("Ben", room.port)
        self.assertEqual(ben.composer().text(), "half a thought")
        # Also when the room is left.
        ben.window.find("button", "Leave").press()
        ben.is_home()
        ben = self.join("Ben", room.port)
        self.assertEqual(ben.composer().text(), "half a thought")
        ben.activate()
        ben.composer().focus()
        self.desktop.press("Return")
        ben.sees(said("You", "half a thought"))
        wait_for("the draft to go", lambda: "half" not in ben.composer().text())

    def test_who_was_not_left_is_offered_the_way_back(self):
        room = self.server("--stay-open")
        kim = self.guest("Kim", room.port)
        ben = self.join("Ben", room.port)
        eve = self.join("Eve", room.port, at=0)
        kim.say("before")
        ben.sees(said("Kim", "before"))
        # That it was read is not written at once.
        self.is_written('"after":1')
        ben.process.kill()
        ben.process.wait()
        eve.sees("Ben lost the connection")
        kim.say("meanwhile")
        ben = self.app("Ben", at=800)
        ben.window.find(None, re.compile("^Return to “Room on"))
        ben.activate()
        wait_for("the focus on the offer", lambda: ben.window.all(
            None, RETURN) and any(
                node.has("focused") for node in ben.window.all("list item")))
        self.desktop.press("Return")
        ben.comes_in()
        # As the same member.
        eve.sees("Ben is back")
        ben.sees(said("Kim", "meanwhile"))
        ben.sees(you_are_back(1))
        # What was said before comes too, as the window has room for it.
        wait_for("what was said before", lambda: self.texts(ben)[-3:] == [
            "Kim: before", "Kim: meanwhile", you_are_back(1)])
        ben.shows_members("Kim", "Ben", "Eve")
        ben.window.find("button", "Leave").press()
        ben.is_home()
        wait_for("the offer to go", lambda: not ben.window.all(None, RETURN))

    def test_the_offer_can_be_dismissed(self):
        room = self.server("--stay-open")
        ben = self.join("Ben", room.port)
        self.is_written("session")
        ben.process.kill()
        ben.process.wait()
        ben = self.app("Ben")
        ben.window.find(None, RETURN)
        ben.window.find("button", "Dismiss").press()
        wait_for("the offer to go", lambda: not ben.window.all(None, RETURN))
        ben.window.find("button", "Close").press()
        ben.has_ended()
        ben = self.app("Ben")
        ben.is_home()
        self.assertEqual(ben.window.all(None, RETURN), [])


if __name__ == "__main__":
    main()
