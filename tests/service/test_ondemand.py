"""Tests of the room that its socket starts."""

import random
import time

from machine import CLOSED, CONFIG, JOINED, OPENED, SHIPPED_CONFIG
from programs import wait_for
from stage import Stage
import sentences

SOCKET, SERVICE = "chatroom-ondemand.socket", "chatroom-ondemand.service"


def impatient(seconds):
    """The unit's command line, but with a shorter time until an empty room ends."""
    return (f"[Service]\nExecStart=\nExecStart=/usr/bin/chatroom --server --idle-timeout {seconds}"
            f" --store %S/chatroom-ondemand/room.db --config {CONFIG}"
            f" --default-config {SHIPPED_CONFIG}\n")


class OnDemand(Stage):

    def test_the_first_visitor_wakes_the_room_and_the_next_one_wakes_it_again(self):
        machine = self.machine
        self.assertIn("--idle-timeout 30 ", machine.show(SERVICE, "ExecStart"))
        machine.drop_in(SERVICE, impatient(1))
        machine.systemctl("start", SOCKET)
        self.assertEqual(machine.show(SERVICE, "ActiveState"), "inactive")
        for name in ("ada", "ben"):
            self.assertIn(sentences.WELCOME, machine.nc(name, "hello"))
            machine.is_in(SERVICE, "inactive")
            self.assertEqual(machine.show(SERVICE, "Result"), "success")
            self.assertEqual(machine.show(SOCKET, "SubState"), "listening")
        joined = self.journal(f"MESSAGE_ID={JOINED}")
        self.assertEqual([entry["CHATROOM_NAME"] for entry in joined], ["ada", "ben"])
        closed = self.journal(f"MESSAGE_ID={CLOSED}")
        self.assertEqual([entry["CHATROOM_REASON"] for entry in closed], ["empty", "empty"])

    def test_what_was_said_before_the_room_slept_is_there_when_it_wakes(self):
        machine = self.machine
        machine.drop_in(SERVICE, impatient(1))
        machine.systemctl("start", SOCKET)
        ada = machine.member("ada")
        ada.say("good night")
        ada.leave()
        machine.is_in(SERVICE, "inactive")
        ben = machine.member("ben")
        self.assertEqual(ben.hears("message")["text"], "good night")

    def test_a_room_that_nobody_entered_ends_too(self):
        machine = self.machine
        machine.drop_in(SERVICE, impatient(1))
        machine.systemctl("start", SOCKET)
        machine.connect().close()
        wait_for("the room to open", lambda: self.journal(f"MESSAGE_ID={OPENED}"))
        machine.is_in(SERVICE, "inactive")

    def test_a_room_with_someone_in_it_does_not_end(self):
        machine = self.machine
        machine.drop_in(SERVICE, impatient(1))
        machine.write(CONFIG, "max-per-address = 0\n")
        machine.systemctl("start", SOCKET)
        ada = machine.member("ada")
        ends = time.monotonic() + 2.5
        while time.monotonic() < ends:
            ben = machine.member("ben")
            ben.leave()
        ada.is_there()
        ada.leave()
        machine.is_in(SERVICE, "inactive")

    def test_twenty_visits_in_ten_seconds_wake_it_twenty_times(self):
        machine = self.machine
        machine.systemctl("start", SOCKET)
        began = time.monotonic()
        for visit in range(20):
            machine.member(f"ada{visit}").leave()
            # Before it would end by itself.
            machine.systemctl("stop", SERVICE)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(len(self.journal(f"MESSAGE_ID={OPENED}")), 20)
        self.assertEqual(machine.show(SOCKET, "SubState"), "listening")

    def test_who_comes_while_the_room_ends_is_let_in(self):
        machine = self.machine
        machine.drop_in(SERVICE, impatient(1))
        machine.systemctl("start", SOCKET)
        chance = random.Random(7)
        for visit in range(8):
            machine.member(f"ada{visit}").leave()
            # About the moment when it closes, or just after.
            time.sleep(0.98 + 0.06 * chance.random())
        self.assertGreater(len(self.journal(f"MESSAGE_ID={OPENED}")), 1)

    def test_an_instance_is_named_by_its_port(self):
        machine = self.machine
        machine.write("/etc/chatroom/4001.toml", 'room-name = "Cellar"\n')
        machine.systemctl("start", "chatroom-ondemand@4001.socket")
        self.assertEqual(machine.member("ada", 4001).welcome["room"], "Cellar")
        self.assertEqual(machine.show("chatroom-ondemand@4001.service", "ActiveState"), "active")

    def test_it_has_no_network_of_its_own(self):
        machine = self.machine
        machine.systemctl("start", SOCKET)
        ada = machine.member("ada")
        init = machine.run("stat", "--format=%i", "-L", "/proc/1/ns/net").stdout
        pid = machine.show(SERVICE, "MainPID")
        own = machine.run("stat", "--format=%i", "-L", f"/proc/{pid}/ns/net").stdout
        self.assertNotEqual(own, init)
        ada.leave()
