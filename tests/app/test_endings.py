#!/usr/bin/env python3
"""How a stay in a room ends: by leaving, by closing, by a loss."""

import os
import re
import shutil

from stage import App, Stage, main, said, wait_for
from sentences import (CLOSE_ROOM, CLOSED, DISCARD, LOST, MESSAGES_LOST, NOT_CONNECTED, OTHERS_LOSE,
                       RECONNECTING, TAKEN_OVER, TEXT_NOT_SENT)


class Endings(Stage):
    def is_over(self, app):
        """Nothing can be said any more; what was said can be read; Leave goes home."""
        wait_for("the composer to be closed", lambda: not app.composer().has("sensitive"))
        self.assertFalse(app.window.find("button", "Send").has("sensitive"))
        app.sees(said("Kim", "remember this"))
        app.window.find("label", NOT_CONNECTED)
        app.window.find("button", "Leave").press()
        app.is_home()

    def test_when_the_host_leaves_the_others_are_told_and_read_on(self):
        ada = self.host("Ada")
        ben = self.join("Ben", ada.port)
        kim = self.guest("Kim", ada.port)
        kim.say("remember this")
        for app in (ada, ben):
            app.sees(said("Kim", "remember this"))
        ada.window.find("button", "Leave").press()
        ada.window.find("button", "Close Room").press()
        ada.is_home()
        ben.shows_banner(CLOSED)
        kim.is_let_go()
        self.is_over(ben)

    def test_from_a_connection_that_does_not_return_one_can_leave(self):
        server = self.server()
        ben = self.join("Ben", server.port)
        kim = self.guest("Kim", server.port)
        kim.say("remember this")
        ben.sees(said("Kim", "remember this"))
        server.process.kill()
        ben.shows_banner(LOST)
        ben.window.find("label", RECONNECTING)
        ben.sees(said("Kim", "remember this"))
        ben.window.find("button", "Leave").press()
        ben.is_home()

    def test_who_came_in_from_elsewhere_is_told_so(self):
        server = self.server()
        ben = self.join("Ben", server.port)
        kim = self.guest("Kim", server.port)
        kim.say("remember this")
        ben.sees(said("Kim", "remember this"))
        file = ben.state / "chatroom/rooms.json"
        wait_for("the session on the disk", file.exists)
        # The same person's app on another computer.
        shutil.copytree(ben.state, self.state_of("Ben again"))
        self.set("name", "'Ben'")
        os.environ["XDG_STATE_HOME"] = str(self.state_of("Ben again"))
        App(self, f"localhost:{server.port}").comes_in()
        ben.shows_banner(TAKEN_OVER)
        self.is_over(ben)

    def test_what_was_being_written_when_the_room_closed_is_still_there(self):
        server = self.server()
        ben = self.join("Ben", server.port).activate()
        ben.composer().focus()
        self.desktop.type("half a thought")
        wait_for("what was typed", lambda: ben.composer().text() == "half a thought")
        server.process.kill()
        ben.shows_banner(LOST)
        self.assertEqual(ben.composer().text(), "half a thought")

    def test_closing_the_host_s_window_asks_when_others_are_there(self):
        ada = self.host("Ada")
        ben = self.join("Ben", ada.port)
        ada.shows_members("Ada", "Ben")
        ada.window.find("button", "Close").press()
        ada.window.find(None, CLOSE_ROOM)
        ada.window.find(None, OTHERS_LOSE)
        ada.window.find("button", "Cancel").press()
        wait_for("the question to go", lambda: not ada.window.all("button", "Close Room"))
        # Nothing has happened.
        ada.say("still here")
        ben.sees(said("Ada", "still here"))
        ada.window.find("button", "Close").press()
        ada.window.find("button", "Close Room").press()
        ada.has_ended()
        ben.shows_banner(CLOSED)

    def test_closing_the_host_s_window_alone_just_closes(self):
        ada = self.host("Ada")
        ada.window.find("button", "Close").press()
        ada.has_ended()

    def asks_and_goes_on(self, app, *sentences):
        """Closing is asked about; Cancel leaves all as it is."""
        app.window.find(None, CLOSE_ROOM)
        for sentence in sentences:
            app.window.find(None, sentence)
        app.window.find("button", "Cancel").press()
        wait_for("the question to go", lambda: not app.window.all("button", "Close Room"))

    def test_a_host_whose_guests_have_left_is_asked_if_anything_was_said(self):
        ada = self.host("Ada")
        kim = self.guest("Kim", ada.port)
        kim.say("remember this")
        ada.sees(said("Kim", "remember this"))
        kim.leave()
        ada.shows_members("Ada")
        ada.window.find("button", "Leave").press()
        self.asks_and_goes_on(ada, MESSAGES_LOST)
        # In whatever way they go.
        ada.window.find("button", "Close").press()
        self.asks_and_goes_on(ada, MESSAGES_LOST)
        for keys in ("ctrl+w", "ctrl+q"):
            ada.activate()
            self.desktop.press(keys)
            self.asks_and_goes_on(ada, MESSAGES_LOST)
        ada.sees(said("Kim", "remember this"))
        ada.window.find("button", "Leave").press()
        ada.window.find("button", "Close Room").press()
        ada.is_home()

    def test_a_host_is_asked_about_a_draft(self):
        ada = self.host("Ada")
        ada.paste("half a thought")
        ada.window.find("button", "Leave").press()
        self.asks_and_goes_on(ada, TEXT_NOT_SENT)
        self.assertEqual(ada.composer().text(), "half a thought")
        ada.paste("")
        ada.window.find("button", "Leave").press()
        ada.is_home()

    def test_a_draft_in_a_room_that_was_closed_is_not_lost_silently(self):
        ada = self.host("Ada")
        ben = self.join("Ben", ada.port)
        ada.shows_members("Ada", "Ben")
        ben.paste("half a thought")
        ada.window.find("button", "Leave").press()
        ada.window.find("button", "Close Room").press()
        ben.shows_banner(CLOSED)
        self.assertEqual(ben.composer().text(), "half a thought")
        for button in ("Leave", "Close"):
            ben.window.find("button", button).press()
            ben.window.find(None, DISCARD)
            ben.window.find("button", "Cancel").press()
            wait_for("the question to go", lambda: not ben.window.all(None, DISCARD))
        self.assertEqual(ben.composer().text(), "half a thought")
        ben.window.find("button", "Close").press()
        ben.window.find("button", "Discard").press()
        ben.has_ended()

    def test_closing_a_guest_s_window_tells_the_others(self):
        ada = self.host("Ada")
        ben = self.join("Ben", ada.port)
        ada.sees("Ben joined")
        ben.window.find("button", "Close").press()
        ben.has_ended()
        ada.sees(re.compile("^Ben left$"))
        ada.shows_members("Ada")

    def test_a_guest_that_crashes_is_seen_as_lost(self):
        ada = self.host("Ada")
        ben = self.join("Ben", ada.port)
        ada.sees("Ben joined")
        ben.process.kill()
        ada.sees(re.compile("^Ben lost the connection$"))
        # They may come back.
        ada.shows_members("Ada", "Ben")
        ada.window.find("label", "Away")

    def test_ctrl_c_in_the_host_s_terminal_closes_the_room_for_good(self):
        ada = self.host("Ada")
        ben = self.join("Ben", ada.port)
        ada.shows_members("Ada", "Ben")
        ada.process.send_signal(2)
        ada.has_ended()
        ben.shows_banner(CLOSED)

    def test_a_host_that_left_can_host_again_at_once(self):
        ada = self.host("Ada")
        port = ada.port
        ada.window.find("button", "Leave").press()
        ada.is_home()
        self.set("host-port", f"uint16 {port}")
        ada.window.find("button", "Host a Room").press()
        ada.comes_in()
        ada.shows_members("Ada")


if __name__ == "__main__":
    main()
