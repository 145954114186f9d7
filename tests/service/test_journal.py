"""Tests of the entries in the journal."""

import json
import struct
import socket
import threading
import time

import hostile
from machine import CLOSED, CONFIG, JOINED, LEFT, MISSED, OPENED, REFUSED
from programs import wait_for
from stage import Stage
import sentences

SERVICE = "chatroom.service"


class Journal(Stage):

    def settings(self, text):
        self.machine.write(CONFIG, text)

    def test_each_kind_of_event_is_found_by_its_fields(self):
        machine = self.machine
        machine.systemctl("start", SERVICE)
        ada = machine.member("ada")
        address = "{}:{}".format(*ada.connection.getsockname())
        ada.say("what is said is nobody's business")
        machine.nc("ben", "nor this")
        browser = machine.connect()
        browser.sendall(b"GET / HTTP/1.1\r\n\r\n")
        browser.recv(1000)
        ada.leave()
        machine.systemctl("stop", SERVICE)
        opened, = self.journal(f"MESSAGE_ID={OPENED}")
        self.assertIn(sentences.is_open(53000), opened["MESSAGE"])
        joined = self.journal(f"MESSAGE_ID={JOINED}")
        self.assertEqual([(it["CHATROOM_NAME"], it["CHATROOM_DOOR"], it["CHATROOM_MEMBERS"])
                          for it in joined], [("ada", "native", "1"), ("ben", "text", "2")])
        self.assertEqual(joined[0]["CHATROOM_ADDRESS"], address)
        self.assertEqual(joined[0]["MESSAGE"], sentences.joined("ada", "native", address, 1))
        left = self.journal(f"MESSAGE_ID={LEFT}")
        self.assertEqual([(it["CHATROOM_NAME"], it["CHATROOM_REASON"], it["CHATROOM_MEMBERS"])
                          for it in left], [("ben", "quit", "1"), ("ada", "quit", "0")])
        refused, = self.journal(f"MESSAGE_ID={REFUSED}")
        self.assertEqual((refused["CHATROOM_REASON"], refused["CHATROOM_DOOR"]),
                         ("closed-door", "browser"))
        closed, = self.journal(f"MESSAGE_ID={CLOSED}")
        self.assertEqual(closed["CHATROOM_REASON"], "closed")
        for entry in (opened, *joined, *left, refused, closed):
            self.assertEqual(entry["_SYSTEMD_UNIT"], SERVICE)
            self.assertEqual(entry["_TRANSPORT"], "journal")
            self.assertEqual(entry["SYSLOG_IDENTIFIER"], "chatroom")
        everything = json.dumps(self.journal())
        self.assertNotIn("business", everything)
        self.assertNotIn("nor this", everything)

    def test_the_catalog_explains_an_entry(self):
        machine = self.machine
        machine.systemctl("start", SERVICE)
        machine.member("ada").leave()
        machine.run("journalctl", "--sync")
        words = machine.run("journalctl", "--after-cursor", self.cursor(), "--catalog",
                            f"MESSAGE_ID={JOINED}").stdout
        self.assertIn(f" Subject: {sentences.subject_joined('ada')}\n", words)

    def test_no_name_forges_an_entry_a_field_or_a_line(self):
        machine = self.machine
        self.settings("rate = 0\nmax-per-address = 0\n")
        machine.systemctl("start", SERVICE)
        hostile.visit(machine.connect)
        machine.systemctl("stop", SERVICE)
        hostile.check(self, self.journal("_COMM=chatroom"))

    def visit(self, count, source):
        """Joins and leaves `count` times, one after the other, from the address `source`."""
        hello = b'{"hello":{"protocol":1,"name":"ada"}}\n'
        reset = struct.pack("ii", 1, 0)
        for _ in range(count):
            visitor = self.machine.connect(source=(source, 0))
            visitor.sendall(hello)
            visitor.recv(1 << 12)
            # A reset frees its port at once.
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            visitor.close()

    def count(self, kind):
        out = self.machine.run("journalctl", "--after-cursor", self.cursor(), "--output=cat",
                               "--output-fields=PRIORITY", f"MESSAGE_ID={kind}", patience=120).stdout
        return out.count("\n")

    def missed(self):
        return sum(int(it["CHATROOM_MISSED"]) for it in self.journal(f"MESSAGE_ID={MISSED}"))

    def test_a_hundred_thousand_joins_and_leaves_are_all_there_or_counted(self):
        machine, visits, threads = self.machine, 50_000, 4
        self.settings("max-per-address = 0\ngrace = 0\n")
        machine.systemctl("start", SERVICE)
        visitors = [threading.Thread(target=self.visit, args=(visits // threads, f"127.0.1.{n}"))
                    for n in range(1, threads + 1)]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
        wait_for("the last one to have left", lambda: json.loads(
            machine.run("chatroom", "--status", "--json").stdout)["members"] == 0)
        machine.systemctl("stop", SERVICE)
        machine.run("journalctl", "--sync")
        joined, left, missed = self.count(JOINED), self.count(LEFT), self.missed()
        self.assertEqual(joined + left + missed, 2 * visits, (joined, left, missed))
        suppressed = [it["MESSAGE"] for it in self.journal("_SYSTEMD_UNIT=systemd-journald.service")
                      if "Suppressed" in it["MESSAGE"]]
        self.assertEqual(suppressed, [])

    def test_a_journal_that_stops_for_ten_seconds_holds_nobody_up(self):
        machine = self.machine
        self.settings("rate = 0\nmax-per-address = 0\ngrace = 0\n")
        machine.systemctl("start", SERVICE)
        ada, ben = machine.member("ada"), machine.member("ben")
        journald = machine.show("systemd-journald.service", "MainPID")
        machine.run("kill", "-STOP", journald)
        slowest, visits = 0, 0
        try:
            ends = time.monotonic() + 10
            while time.monotonic() < ends:
                began = time.monotonic()
                self.visit(100, "127.0.1.1")
                text = f"hello {visits}"
                ada.say(text)
                ben.hears("message", lambda it: it["text"] == text)
                slowest = max(slowest, time.monotonic() - began)
                visits += 100
        finally:
            machine.run("kill", "-CONT", journald)
        # A visit that waited for the journal would have taken all of that time.
        self.assertLess(slowest, 5)
        machine.systemctl("stop", SERVICE)
        machine.run("journalctl", "--sync")
        joined, left, missed = self.count(JOINED), self.count(LEFT), self.missed()
        # The two members who are there when it closes do not leave.
        self.assertEqual(joined + left + missed, 2 * visits + 2, (joined, left, missed))
