#!/usr/bin/env python3
"""Rooms that keep what is said: it is there again, and it can be deleted."""

import re
import shutil

from stage import Stage, free_port, main, said, wait_for
from sentences import (DELETE_SAVED, HOST_AGAIN, LOST, MESSAGES_ARE_LOST, MESSAGES_ARE_SAVED,
                       SAVE_MESSAGES, SAVED_DELETED, STORE_IN_USE, store_damaged)


class Keeping(Stage):
    def setUp(self):
        super().setUp()
        self.rooms = self.data_of("Ada") / "chatroom/rooms"
        self.set("host-keeps", "true")

    def leave(self, app):
        app.window.find("button", "Leave").press()
        app.is_home()

    def delete(self, app):
        app.window.find("button", DELETE_SAVED).press()
        app.window.find("button", "Delete").press()

    def kept(self):
        return sorted(path.name for path in self.rooms.iterdir() if path.suffix == ".db")

    def test_what_was_said_is_there_again(self):
        port = free_port()
        for run in range(2):
            ada = self.host("Ada", port)
            if run:
                ada.sees(said("Ada", "remember this"))
            else:
                ada.say("remember this")
                ada.sees(said("You", "remember this"))
            ada.window.find("label", MESSAGES_ARE_SAVED)
            self.leave(ada)
        # Off, as it is at first.
        ada.activate()
        switch = ada.window.find("check box", SAVE_MESSAGES)
        switch.click()
        wait_for("the switch to be off", lambda: not switch.has("checked"))
        ada.window.find("button", "Host a Room").press()
        ada.comes_in()
        ada.window.find("label", MESSAGES_ARE_LOST)
        self.assertEqual(ada.window.all(None, re.compile("remember this")), [])

    def test_who_crashed_while_hosting_hosts_the_same_room_again(self):
        # On any port: the others are waiting on the one that it was.
        ada = self.host("Ada")
        ben = self.join("Ben", ada.port)
        ada.say("remember this")
        ben.sees(said("Ada", "remember this"))
        file = ada.state / "chatroom/rooms.json"
        wait_for("the stay on the disk", lambda: file.exists() and '"session"' in file.read_text())
        ada.process.kill()
        ada.process.wait()
        ben.shows_banner(LOST)
        port, ada = ada.port, self.app("Ada")
        ada.window.find(None, re.compile("^Host “Ada’s Room” Again"))
        ada.activate()
        self.desktop.press("Return")
        ada.comes_in()
        self.assertTrue(all(address.endswith(f":{port}") for address in ada.addresses()))
        ada.sees(said("You", "remember this"))
        ben.banner_goes()
        # As the same members.
        ada.shows_members("Ada", "Ben")
        ada.say("here again")
        ben.sees(said("Ada", "here again"))
        ben.window.find("button", "Leave").press()
        ada.sees("Ben left")
        self.leave(ada)
        self.assertEqual(ada.window.all(None, HOST_AGAIN), [])

    def test_what_was_kept_can_be_deleted(self):
        port = free_port()
        ada = self.app("Ada")
        ada.is_home()
        self.assertEqual(ada.window.all("button", DELETE_SAVED), [])
        ada.window.find("button", "Close").press()
        ada.has_ended()
        ada = self.host("Ada", port)
        ada.say("forget this")
        ada.sees(said("You", "forget this"))
        self.leave(ada)
        ada.window.find("button", DELETE_SAVED).press()
        ada.window.find("button", "Cancel").press()
        wait_for("the question to go", lambda: not ada.window.all("button", "Cancel"))
        self.assertEqual(self.kept(), [f"{port}.db"])
        self.delete(ada)
        ada.window.find("label", SAVED_DELETED)
        wait_for("the button to go", lambda: not ada.window.all("button", DELETE_SAVED))
        self.assertEqual(self.kept(), [])
        ada.window.find("button", "Host a Room").press()
        ada.comes_in()
        ada.window.find("label", MESSAGES_ARE_SAVED)
        self.assertEqual(ada.window.all(None, re.compile("forget this")), [])

    def test_what_an_open_room_keeps_is_not_deleted(self):
        ada = self.host("Ada")
        # Of the same person, in a room of their own beside it.
        eve = self.app("Eve", at=800, account="Ada")
        self.delete(eve)
        eve.shows_banner(STORE_IN_USE)
        eve.window.find("button", "Host a Room").press()
        eve.comes_in()
        self.assertEqual(self.kept(), ["any-1.db", "any-2.db"])
        ada.say("still here")
        ada.sees(said("You", "still here"))

    def test_what_is_damaged_is_said_and_can_be_deleted(self):
        port = free_port()
        self.rooms.mkdir(parents=True)
        (self.rooms / f"{port}.db").write_text("no room at all\n" * 20)
        self.set("host-port", f"uint16 {port}")
        ada = self.app("Ada")
        ada.window.find("button", "Host a Room").press()
        ada.shows_banner(store_damaged(f"{port}.db"))
        self.delete(ada)
        ada.window.find("label", SAVED_DELETED)
        ada.window.find("button", "Host a Room").press()
        ada.comes_in()


if __name__ == "__main__":
    main()
