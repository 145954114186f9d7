#!/usr/bin/env python3
"""What becomes of a stay whose server is silent, new, or gone."""

import re
import signal

from stage import Stage, free_port, main, said, wait_for
from sentences import (LOST, LOST_FOR_LONG, NEW_ROOM, RETURN, SENDING, TRYING_AGAIN,
                       no_room)


class Lost(Stage):
    def roles(self, app):
        """The members, each with what stands below their name."""
        rows = {}
        for depth, _, role, name, _ in app.window.find("list", "Members").look():
            if depth == 1 and role == "list item":
                rows[name] = member = []
            elif role == "label" and rows and name != next(reversed(rows)):
                member.append(name)
        return {name: "".join(words) for name, words in rows.items()}

    def test_after_another_room_began_the_members_are_those_who_are_in_it(self):
        port = free_port()
        room = self.server("--stay-open", port=port)
        self.guest("Kim", port)
        ben = self.join("Ben", port)
        eve = self.join("Eve", port, at=0)
        self.guest("Dan", port)
        for app in (ben, eve):
            app.shows_members("Kim", "Ben", "Eve", "Dan")
        room.process.kill()
        for app in (ben, eve):
            app.shows_banner(LOST)
        self.server("--stay-open", port=port)
        # Their ids are those that others had before.
        for app, name, other in ((ben, "Ben", "Eve"), (eve, "Eve", "Ben")):
            app.banner_goes()
            app.sees(NEW_ROOM)
            app.shows_members("Ben", "Eve")
            wait_for(f"{name} to be the user", lambda app=app, name=name, other=other:
                     self.roles(app) == {name: "You", other: ""})
        ben.say("hello again")
        ben.sees(said("You", "hello again"))
        eve.sees(said("Ben", "hello again"))

    def test_a_server_that_stops_answering_is_noticed_while_a_message_waits(self):
        room = self.server("--stay-open")
        kim = self.guest("Kim", room.port)
        ben = self.join("Ben", room.port)
        self.addCleanup(room.process.send_signal, signal.SIGCONT)
        room.process.send_signal(signal.SIGSTOP)
        ben.say("are you there")
        # Well before the minute after which an idle connection is given up.
        ben.shows_banner(LOST_FOR_LONG)
        # It is tried again and again, and told when.
        ben.shows_banner(TRYING_AGAIN)
        ben.sees(said("You", "are you there", SENDING))
        room.process.send_signal(signal.SIGCONT)
        ben.banner_goes()
        ben.sees(said("You", "are you there"))
        kim.hears("Ben: are you there\n")
        kim.say("yes")
        ben.sees(said("Kim", "yes"))
        self.assertEqual(kim.heard.count(b"are you there"), 1)

    def test_what_could_not_be_sent_before_leaving_is_in_the_draft(self):
        room = self.server("--stay-open")
        cable = self.cable(room.port)
        ben = self.join("Ben", cable.port)
        cable.cut()
        ben.shows_banner(LOST)
        ben.say("said in vain")
        ben.sees(said("You", "said in vain", SENDING))
        ben.paste("half a thought")
        ben.window.find("button", "Leave").press()
        ben.is_home()
        cable.mend()
        ben.window.find("button", "Join a Room").press()
        ben.window.find("text", re.compile("^Port")).write(str(cable.port))
        ben.window.find("button", "Join").press()
        ben.comes_in()
        wait_for("both texts", lambda: ben.composer().text() == "said in vain\nhalf a thought")

    def test_a_draft_outlives_a_return_that_was_refused(self):
        port = free_port()
        room = self.server("--stay-open", port=port)
        ben = self.join("Ben", port)
        ben.paste("half a thought")
        file = ben.state / "chatroom/rooms.json"
        wait_for("the draft on the disk",
                 lambda: file.exists() and "half a thought" in file.read_text())
        ben.process.kill()
        ben.process.wait()
        room.process.kill()
        room.process.wait()
        ben = self.app("Ben", at=800)
        ben.window.find(None, RETURN)
        ben.activate()
        self.desktop.press("Return")
        ben.window.find("label", no_room(f"localhost:{port}"))
        self.server("--stay-open", port=port)
        ben.window.find("button", "Join").press()
        ben.comes_in()
        wait_for("the draft", lambda: ben.composer().text() == "half a thought")


if __name__ == "__main__":
    main()
