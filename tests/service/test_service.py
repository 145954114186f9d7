"""Tests of the room that stays open: starts, stops, reloads and failures."""

import json
import time
from contextlib import suppress

from machine import CHANGED, CONFIG, FAILED, UNCHANGED, Member
from programs import Trouble, wait_for
from stage import Stage
import sentences

SERVICE = "chatroom.service"


class Service(Stage):

    def status(self, words):
        """Waits until the service's status text has these words."""
        wait_for(f"the status to tell “{words}” (it is {self.machine.show(SERVICE, 'StatusText')})",
                 lambda: words in self.machine.show(SERVICE, "StatusText"))

    def pid(self):
        return int(self.machine.show(SERVICE, "MainPID"))

    def test_once_it_is_started_newcomers_are_let_in(self):
        machine = self.machine
        for _ in range(5):
            machine.systemctl("start", SERVICE)
            # The first attempt must succeed.
            machine.member("ada").leave()
            machine.systemctl("stop", SERVICE)

    def test_systemd_is_told_how_many_are_there_and_how_much_is_said(self):
        machine = self.machine
        machine.systemctl("start", SERVICE)
        self.status(sentences.service_status(0, 0))
        ada, ben = machine.member("ada"), machine.member("ben")
        for number in range(3):
            ada.say(f"hello {number}")
        self.status(sentences.service_status(2, 3))
        ben.leave()
        self.status(sentences.service_status(1, 3))

    def test_a_reload_changes_the_settings_and_keeps_every_member(self):
        machine = self.machine
        machine.systemctl("start", SERVICE)
        ada, pid = machine.member("ada"), self.pid()
        machine.write(CONFIG, 'room-name = "Attic"\nhistory = 1\nmax-members = 2\nport = 4000\n'
                      'keep-size = "1G"\n')
        machine.systemctl("reload", SERVICE)
        wait_for("the new settings", lambda: self.journal(f"MESSAGE_ID={CHANGED}"))
        self.assertEqual(self.journal(f"MESSAGE_ID={CHANGED}")[0]["CHATROOM_LATER"], "port")
        wait_for("the service to be ready", lambda: machine.show(SERVICE, "SubState") == "running")
        for number in range(3):
            ada.say(f"hello {number}")
        ben = machine.member("ben")
        self.assertEqual(ben.welcome["room"], "Attic")
        self.assertEqual(ben.hears("message")["text"], "hello 2")
        eve = machine.connect()
        eve.sendall(b'{"hello":{"protocol":1}}\n')
        self.assertIn(b"room-full", eve.recv(1000))
        self.assertEqual(self.pid(), pid)
        ada.is_there()

    def test_it_needs_no_file_and_a_reload_takes_one_that_has_come_or_gone(self):
        machine = self.machine
        self.assertNotEqual(machine.run("ls", CONFIG, check=False).returncode, 0)
        machine.systemctl("start", SERVICE)
        own = machine.member("ada").welcome["room"]
        for name in ("Attic", own):
            if name == own:
                machine.run("rm", CONFIG)
            else:
                machine.write(CONFIG, f'room-name = "{name}"\n')
            machine.systemctl("reload", SERVICE)
            wait_for("the new name", lambda: machine.member("ben").welcome["room"] == name)
        # The limit of the store is the same again, and needs no restart.
        entries = self.journal(f"MESSAGE_ID={CHANGED}")
        self.assertEqual([entry.get("CHATROOM_LATER") for entry in entries], ["keep-size", None])

    def test_a_wrong_file_is_told_to_whoever_reloads_and_changes_nothing(self):
        machine = self.machine
        machine.systemctl("start", SERVICE)
        ada, pid = machine.member("ada"), self.pid()
        machine.write(CONFIG, 'room-name = "Attic"\nprot = 4000\n')
        self.assertNotEqual(machine.systemctl("reload", SERVICE, check=False).returncode, 0)
        told = sentences.unknown_key(CONFIG, 2, 1, "prot")
        wait_for("the journal to tell it", lambda: any(
            entry["MESSAGE"].startswith(told) for entry in self.journal(f"MESSAGE_ID={FAILED}")))
        # The same without the check of the file before the signal.
        machine.systemctl("kill", "--signal=HUP", SERVICE)
        entry = wait_for("it once more", lambda: self.journal(f"MESSAGE_ID={UNCHANGED}"))[0]
        self.assertIn(told, entry["CHATROOM_REASON"])
        self.assertEqual(entry["PRIORITY"], "3")
        self.assertEqual((self.pid(), machine.show(SERVICE, "SubState")), (pid, "running"))
        ada.is_there()
        self.assertNotEqual(machine.member("ben").welcome["room"], "Attic")

    def test_a_service_that_hangs_is_noticed_and_started_again(self):
        machine = self.machine
        machine.drop_in(SERVICE, "[Service]\nWatchdogSec=1s\n")
        machine.write(CONFIG, "max-per-address = 0\n")
        machine.systemctl("start", SERVICE)
        ada, pid = machine.member("ada"), self.pid()
        # Enough members that several threads serve them, if there are several processors.
        crowd = [machine.member("ben") for _ in range(600)]
        # The watchdog does not disturb a service that works.
        time.sleep(2.5)
        ada.is_there()
        self.assertEqual(self.pid(), pid)
        for member in crowd:
            member.close()
        machine.systemctl("kill", "--signal=STOP", SERVICE)
        wait_for("another process", lambda: self.pid() not in (0, pid))
        machine.is_in(SERVICE, "active")
        self.assertEqual(machine.show(SERVICE, "NRestarts"), "1")
        machine.member("ada")

    def test_a_service_that_is_killed_starts_again(self):
        machine = self.machine
        machine.systemctl("start", SERVICE)
        for time_ in range(3):
            pid = self.pid()
            machine.systemctl("kill", "--signal=KILL", SERVICE)
            wait_for("another process", lambda: self.pid() not in (0, pid))
            machine.is_in(SERVICE, "active")
            machine.member(f"ada{time_}").leave()

    def test_who_is_there_when_it_stops_gets_all_that_was_said_and_is_asked_back(self):
        machine = self.machine
        machine.write(CONFIG, "rate = 0\n")
        machine.systemctl("start", SERVICE)
        ada, ben = machine.member("ada"), machine.member("ben")
        for number in range(2_000):
            ada.send({"say": {"text": f"hello {number}"}})
        # The server has accepted all; ben has read none.
        ada.hears("message", lambda it: it["text"] == "hello 1999")
        began = time.monotonic()
        machine.systemctl("--no-block", "stop", SERVICE)
        heard = []
        while (frame := ben.next()) and "closed" not in frame:
            if "message" in frame:
                heard.append(frame["message"]["text"])
        self.assertEqual(heard, [f"hello {number}" for number in range(2_000)])
        self.assertEqual(frame["closed"]["code"], "service-stopping")
        self.assertGreater(frame["closed"]["retry_ms"], 0)
        ben.close()
        ada.close()
        machine.is_in(SERVICE, "inactive")
        self.assertEqual(machine.show(SERVICE, "Result"), "success")
        self.assertLess(time.monotonic() - began, 10)

    def test_after_a_restart_every_native_client_is_back_within_a_second(self):
        machine, count = self.machine, 8
        machine.systemctl("start", SERVICE)
        listeners = [machine.start("chatroom", "--listen", "--name", f"eve{number}")
                     for number in range(count)]
        for listener in listeners:
            self.addCleanup(listener.stdout.close)
            self.addCleanup(listener.wait)
            self.addCleanup(listener.kill)
        for _ in range(2):
            wait_for("all to be in", lambda: self.members() == count)
            machine.systemctl("restart", SERVICE)
            began = time.monotonic()
            wait_for("all to be back", lambda: self.members() == count)
            self.assertLess(time.monotonic() - began, 1)
        machine.member("ada").say("welcome back")
        for listener in listeners:
            self.assertTrue(any(line == "ada: welcome back\n" for line in listener.stdout))

    def talk(self, disturb, times):
        """Sends messages during disturbances; returns the `seq` of each confirmed message."""
        machine, confirmed, session = self.machine, {}, {}
        machine.drop_in(SERVICE, "[Unit]\nStartLimitIntervalSec=0\n")
        machine.write(CONFIG, "rate = 0\nmax-per-address = 0\n")
        machine.systemctl("start", SERVICE)
        for turn in range(times + 1):
            ada = wait_for("ada to be in", lambda: self.come("ada", session))
            session = {"session": ada.welcome["session"], "epoch": ada.welcome["epoch"]}
            disturbing = None
            with suppress(ConnectionError):
                for step in range(200):
                    if step == 100 and turn < times:
                        disturbing = machine.start(*disturb)
                    number = len(confirmed) + 1
                    confirmed[number] = self.confirm(ada, number)
            if disturbing:
                disturbing.communicate()
            ada.close()
        return confirmed

    def confirm(self, ada, number):
        """Sends a message, perhaps again after a lost connection; returns its `seq`."""
        ada.send({"say": {"id": str(number), "text": f"hello {number}"}})
        while (frame := ada.next()) and "closed" not in frame:
            said = frame.get("said") or frame.get("message", {})
            if said.get("id") == str(number):
                return said["seq"]
        raise ConnectionError

    def come(self, name, session):
        try:
            return Member(self.machine.connect(), name, after=0, **session)
        except (OSError, Trouble):
            return None

    def has_all(self, confirmed):
        """Checks that the room has all confirmed messages in order, once, and without a hole."""
        eve = Member(self.machine.connect(), "eve", after=0)
        told = {}
        for seq in range(1, eve.welcome["next"]):
            message = eve.hears("message")
            self.assertEqual(message["seq"], seq)
            told[message["text"]] = seq
        self.assertEqual(len(told), eve.welcome["next"] - 1)
        for number, seq in confirmed.items():
            self.assertEqual(told[f"hello {number}"], seq)
        eve.close()

    def test_restarts_under_talk_lose_nothing_that_was_confirmed(self):
        confirmed = self.talk(["systemctl", "restart", SERVICE], 5)
        self.assertGreater(len(confirmed), 500)
        self.has_all(confirmed)

    def test_kills_under_talk_lose_nothing_that_was_confirmed(self):
        confirmed = self.talk(["systemctl", "kill", "--signal=KILL", SERVICE], 5)
        self.assertGreater(len(confirmed), 500)
        self.has_all(confirmed)

    def members(self):
        """The number of members that the server reports."""
        told = self.machine.run("chatroom", "--status", "--json", check=False).stdout
        return json.loads(told)["members"] if told else 0

    def test_a_member_who_never_reads_does_not_keep_it(self):
        machine = self.machine
        machine.write(CONFIG, "rate = 0\n")
        machine.systemctl("start", SERVICE)
        ada, ben = machine.member("ada"), machine.member("ben")
        text = "x" * 4_000
        for _ in range(2_000):
            ada.send({"say": {"text": text}})
            ada.hears("message")
        machine.systemctl("stop", SERVICE)
        self.assertEqual(machine.show(SERVICE, "Result"), "success")
        ben.close()

    def test_it_runs_as_nobody_who_was_there_before(self):
        machine = self.machine
        machine.systemctl("start", SERVICE)
        pid = self.pid()
        status = machine.run("cat", f"/proc/{pid}/status").stdout
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        users = set(fields["Uid"].split())
        self.assertEqual(len(users), 1)
        self.assertNotIn("0", users)
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(fields[capabilities], 16), 0, capabilities)
        self.assertEqual(fields["NoNewPrivs"], "1")
        owner = machine.run("stat", "--format=%u %a", "/var/lib/chatroom/").stdout.split()
        self.assertEqual(owner, [*users, "700"])
        owner = machine.run("stat", "--format=%u %a", "/var/lib/chatroom/room.db").stdout.split()
        self.assertEqual(owner, [*users, "600"])

    def test_it_tells_the_administrator_how_it_is_doing(self):
        machine = self.machine
        machine.systemctl("start", SERVICE)
        machine.write("/etc/chatroom/4001.toml", "")
        machine.systemctl("start", "chatroom@4001")
        ada, ben = machine.member("ada"), machine.member("ben")
        ada.say("hello")
        ben.hears("message")
        browser = machine.connect()
        browser.sendall(b"GET / HTTP/1.1\r\n\r\n")
        self.assertIn(b"501", browser.recv(1000))
        lines = machine.run("chatroom", "--status", "--json").stdout.splitlines()
        told = {it["port"]: it for it in map(json.loads, lines)}
        self.assertEqual(sorted(told), [4001, 53000])
        stats = told[53000]
        self.assertEqual((stats["members"], stats["messages"], stats["deliveries"]), (2, 1, 2))
        refused = {cause: count for cause, count in stats["refused"].items() if count}
        self.assertEqual(refused, {"closed_door": 1})
        self.assertFalse(stats["private"])
        self.assertEqual((stats["tls_members"], stats["bans"]), (0, 0))
        self.assertEqual(len(stats["fingerprint"]), 95)
        self.assertGreater(stats["memory_bytes"], 1 << 20)
        words = machine.run("chatroom", "--status", "--port", "53000").stdout
        self.assertIn(sentences.status_members(2, 0, 0), words)
        nobody = machine.run("setpriv", "--reuid=65534", "chatroom", "--status", check=False)
        self.assertEqual(nobody.returncode, 1)
        self.assertIn(sentences.ASK_AS_ADMINISTRATOR, nobody.stderr)

    def test_a_port_that_is_taken_is_told_in_the_journal(self):
        machine = self.machine
        machine.systemctl("start", SERVICE)
        machine.write("/etc/chatroom/4001.toml", "")
        machine.drop_in("chatroom@4001.service", "[Service]\nRestart=no\nExecStart=\nExecStart="
                        "/usr/bin/chatroom --server\n")
        self.assertNotEqual(machine.systemctl("start", "chatroom@4001", check=False).returncode, 0)
        entry = self.journal(f"MESSAGE_ID={FAILED}")[0]
        self.assertEqual(entry["MESSAGE"], sentences.room_open(53000))
        self.assertEqual(entry["PRIORITY"], "3")
