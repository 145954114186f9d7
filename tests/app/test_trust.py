#!/usr/bin/env python3
"""Whom the app trusts, and how it shows that: encrypted, not encrypted, someone else."""

import re
import socket
import threading

from pictures import Picture
from stage import Lines, PROGRAM, Stage, main, said, wait_for, whole
from sentences import (ENCRYPTED, NOT_ENCRYPTED_ANSWER, OTHER_COMPUTER, OTHER_IDENTITY, other_host)

FINGERPRINT = re.compile(r"^([0-9A-F]{2}[:\n]){31}[0-9A-F]{2}$")
# A pin of nobody.
PIN = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"


class Relay:
    """Someone on the way to a server, who hears what is said first on each connection."""

    def __init__(self, stage, port, plain_only=False):
        self.to, self.plain_only = port, plain_only
        self.heard, self.served = [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        stage.addCleanup(self.listener.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while True:
                ours, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=[ours], daemon=True).start()
        except OSError:
            pass

    def _serve(self, ours):
        try:
            first = ours.recv(1 << 16)
            self.heard.append(first)
            if self.plain_only and first[:1] == b"\x16":
                # A server that knows nothing of TLS.
                ours.close()
                return
            theirs = socket.create_connection(("127.0.0.1", self.to))
            theirs.sendall(first)
            self.served.append(ours)
            threading.Thread(target=self._carry, args=[theirs, ours], daemon=True).start()
            self._carry(ours, theirs)
        except OSError:
            ours.close()

    def _carry(self, source, sink):
        try:
            while some := source.recv(1 << 16):
                sink.sendall(some)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Trust(Stage):
    def title(self, app, state):
        """The title of the room, when it says this of the encryption."""
        return app.window.find("toggle button", re.compile(f", \\d+ members?, {state}$"))

    def fingerprint(self, app):
        self.title(app, "Encrypted").press()
        found = app.window.find("label", FINGERPRINT).text()
        app.window.find("label", ENCRYPTED)
        return found

    def lock(self, app, subtitle):
        """The shape of the lock before the words below the name of the room. The bus leaves it
        out: for a screen reader the title has words."""
        # The focus has a frame of its own.
        app.activate().composer().focus()
        path = self.desktop.folder / "title.png"

        def drawn():
            x, y, _, height = app.window.find("label", subtitle).area()
            app.window.picture(path)
            # The bus also leaves out the paddings of the header and of the button (style.css).
            shape = Picture(path).shape(x + 19 - 17, y + 6, 14, height)
            return len(shape) > 20 and shape

        return wait_for(f"a lock before “{subtitle}”", drawn)

    def other_server(self, name, *options):
        """A server on another computer."""
        import os
        environment = os.environ | {"XDG_STATE_HOME": str(self.state_of(name))}
        server = Lines(self, PROGRAM, "--server", "--port", "0", "--bind", "127.0.0.1", *options,
                       env=environment)
        server.port = int(server.prints(r"^  \S+:(\d+)$")[1])
        return server

    def is_not_heard(self, name, guest):
        """Looks whether this one came into the room of a guest, before who comes now."""
        self.guest("Eve", guest.port).leave()
        guest.hears("Eve")
        self.assertNotIn(name, guest._read())

    def test_an_encrypted_room_shows_its_lock_and_more_on_request(self):
        ada = self.host("Ada").activate()
        ben = self.join("Ben", ada.port)
        mine = self.fingerprint(ada)
        self.desktop.press("Escape")
        theirs = self.fingerprint(ben.activate())
        self.assertEqual(mine, theirs)
        ben.window.find("label", re.compile("^You meet this host for the first time"))
        ben.window.find("label", "Everyone who can reach the host can join.")
        self.picture_of("encrypted")
        self.desktop.press("Escape")
        locked = self.lock(ben, "2 members")
        server = self.server("--stay-open")
        relay = Relay(self, server.port, plain_only=True)
        eve = self.join("Eve", relay.port, at=0)
        self.assertTrue(locked != self.lock(eve, "1 member · Not encrypted"),
                        "an encrypted room has the lock of one that is not")

    def test_how_the_host_was_known_is_told(self):
        ada = self.host("Ada")
        link = ada.invitation()
        ben = self.app("Ben", link, at=800)
        ben.comes_in()
        self.fingerprint(ben.activate())
        ben.window.find("label", "The host has the fingerprint of your invitation.")
        self.desktop.press("Escape")
        eve = self.join("Eve", ada.port)
        eve.window.find("button", "Leave").press()
        eve.window.find("button", "Join a Room").press()
        eve.window.find("button", "Join").press()
        eve.comes_in()
        self.fingerprint(eve)
        eve.window.find("label", "You have met this host before.")

    def test_a_server_that_does_not_encrypt_is_told_in_words(self):
        server = self.server("--stay-open")
        relay = Relay(self, server.port, plain_only=True)
        ben = self.join("Ben", relay.port, at=0)
        ben.window.find("label", re.compile("^1 member · Not encrypted$"))
        self.title(ben, "Not encrypted").press()
        ben.window.find("label", re.compile("^Everyone on the way can read"))
        self.picture_of("not-encrypted")
        self.assertEqual(ben.window.all("label", FINGERPRINT), [])

    def test_what_a_server_says_is_shown_as_it_is_written(self):
        server = self.server("--stay-open")
        relay = Relay(self, server.port, plain_only=True)
        ben = self.join("Ben", relay.port, at=0)
        relay.served[-1].sendall(
            b'{"error":{"code":"odd","text":"Tea <b>and</b> cake","fatal":true}}\n')
        told = "The server ended the connection: Tea <b>and</b> cake"
        # The letters that are to be seen, whatever the name is.
        self.assertEqual(ben.window.find("label", told).text(), told)

    def test_with_an_invitation_nothing_is_sent_without_encryption(self):
        server = self.server("--stay-open")
        relay = Relay(self, server.port, plain_only=True)
        ben = self.app("Ben", f"chatroom://127.0.0.1:{relay.port}#p={PIN}")
        ben.window.find("label", NOT_ENCRYPTED_ANSWER)
        self.assertTrue(all(first[:1] == b"\x16" for first in relay.heard), relay.heard)

    def test_another_computer_than_that_of_the_invitation_is_not_joined(self):
        server = self.server("--stay-open")
        kim = self.guest("Kim", server.port)
        ben = self.app("Ben", f"chatroom://127.0.0.1:{server.port}#p={PIN}")
        ben.window.find("label", OTHER_COMPUTER)
        known, found = [node.text() for node in ben.window.all("label", FINGERPRINT)]
        self.assertNotEqual(known, found)
        self.picture_of("other-computer-invited")
        # There is no way around it.
        self.assertEqual(ben.window.all("button", "Join Anyway"), [])
        self.has_focus(ben.activate(), "button", "Cancel")
        self.desktop.press("Return")
        ben.window.find("label", OTHER_IDENTITY)
        ben.window.find("button", "Join")
        self.is_not_heard("Ben", kim)

    def meets_another(self):
        """Someone who knows a room, and finds another computer with a room of that name."""
        room = ("--stay-open", "--room-name", "The Room")
        first = self.other_server("one", *room)
        ben = self.join("Ben", first.port, at=0)
        ben.window.find("button", "Leave").press()
        ben.is_home()
        first.stop()
        second = self.other_server("two", *room)
        kim = self.guest("Kim", second.port)
        ben.window.find("button", "Join a Room").press()
        ben.window.find("text", re.compile("^Port")).write(str(second.port))
        ben.window.find("button", "Join").press()
        ben.window.find("label", other_host("The Room"))
        return ben.activate(), kim

    def test_a_known_room_on_another_computer_is_a_question_and_the_default_is_no(self):
        ben, kim = self.meets_another()
        self.has_focus(ben, "button", "Cancel")
        self.picture_of("other-computer")
        self.assertEqual(len(ben.window.all("label", FINGERPRINT)), 2)
        self.desktop.press("Return")
        ben.window.find("label", OTHER_IDENTITY)
        self.is_not_heard("Ben", kim)

    def test_joining_anyway_is_a_choice_and_is_remembered(self):
        ben, kim = self.meets_another()
        ben.window.find("button", "Join Anyway").press()
        ben.comes_in()
        kim.hears("Ben")
        ben.window.find("button", "Leave").press()
        ben.is_home()
        ben.window.find("button", "Join a Room").press()
        ben.window.find("button", "Join").press()
        ben.comes_in()

    def test_every_part_of_the_question_has_a_name(self):
        ben, _ = self.meets_another()
        nameless = [role for _, node, role, name, text in ben.window.look()
                    if role not in ("scroll pane", "panel", "list") and node.has("focusable")
                    and not (name or text).strip()]
        self.assertEqual(nameless, [], ben.window.tree())

    def test_another_computer_in_the_middle_of_a_stay_ends_it_and_is_a_question(self):
        first = self.other_server("one", "--stay-open", "--room-name", "The Room")
        cable = self.cable(first.port)
        ben = self.join("Ben", cable.port, at=0)
        ben.say("before")
        ben.sees(said("You", "before"))
        cable.to = self.other_server("two", "--stay-open", "--room-name", "Another").port
        kim = self.guest("Kim", cable.to)
        cable.jolt()
        ben.shows_banner(OTHER_IDENTITY)
        # What was said can be read.
        ben.sees(said("You", "before"))
        self.is_not_heard("Ben", kim)
        ben.window.find("button", "Details").press()
        ben.window.find("button", "Join Anyway")
        self.picture_of("other-computer-in-room")
        ben.window.find("button", "Cancel").press()
        ben.sees(said("You", "before"))
        ben.window.find("button", "Details").press()
        ben.window.find("button", "Join Anyway").press()
        kim.hears("Ben")
        ben.comes_in()
        ben.shows_members("Ben", "Kim")

    def test_the_identity_of_a_host_outlives_their_room(self):
        ada = self.host("Ada")
        before = self.fingerprint(ada.activate())
        self.desktop.press("Escape")
        ada.window.find("button", "Leave").press()
        ada.is_home()
        ada.window.find("button", "Host a Room").press()
        ada.comes_in()
        self.assertEqual(self.fingerprint(ada.activate()), before)
        file = self.data_of("Ada") / "chatroom/identity.pem"
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)


if __name__ == "__main__":
    main()
