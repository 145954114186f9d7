"""Tests of the journal alone, which need no root."""

import json
import os
import socket
import subprocess
import unittest

import hostile
from machine import OPENED
from programs import PATIENCE, Trouble, wait_for
import sentences

PREPARE = """
    mount -t tmpfs none /run
    mount -t tmpfs none /var/log
    mkdir -p /run/systemd/journal
    exec /lib/systemd/systemd-journald
"""


class Alone(unittest.TestCase):
    """Runs only systemd-journald, in namespaces of a user."""

    program = None

    def setUp(self):
        command = ["unshare", "--user", "--map-root-user", "--mount", "--", "sh", "-ec"]
        tried = subprocess.run([*command, "mount -t tmpfs none /run"], capture_output=True,
                               text=True, check=False)
        if tried.returncode:
            self.skipTest(f"this system does not allow the namespaces: {tried.stderr.strip()}")
        self.journald = subprocess.Popen([*command, PREPARE], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(self.stop)
        wait_for("the journal to listen", self.listens)

    def stop(self):
        self.journald.kill()
        self.journald.communicate()

    def listens(self):
        if self.journald.poll() is not None:
            raise Trouble(f"The journal ended: {self.journald.stderr.read().decode()}")
        # The /run that journald sees.
        return os.path.exists(f"/proc/{self.journald.pid}/root/run/systemd/journal/stdout")

    def inside(self, *command):
        return ["nsenter", f"--target={self.journald.pid}", "--user", "--mount",
                "--preserve-credentials", "--wd=/", "--", *command]

    def journal(self, *matches):
        out = subprocess.run(
            self.inside("journalctl", "--directory=/run/log/journal", "--output=json", "--all",
                        *matches), capture_output=True, text=True, check=False, timeout=PATIENCE)
        return [json.loads(line) for line in out.stdout.splitlines()]

    def test_no_name_forges_an_entry_a_field_or_a_line(self):
        server = subprocess.Popen(
            self.inside("systemd-cat", "--identifier=cat", self.program, "--server", "--stay-open",
                        "--port", "0", "--bind", "127.0.0.1", "--max-per-address", "0"),
            stdin=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        opened = wait_for("the room to open", lambda: self.journal(f"MESSAGE_ID={OPENED}"))[0]
        port = sentences.port_of(opened["MESSAGE"])
        hostile.visit(lambda: socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
        server.terminate()
        self.assertEqual(server.wait(PATIENCE), 0)
        wait_for("all entries",
                 lambda: len(self.journal("SYSLOG_IDENTIFIER=chatroom")) >= hostile.ENTRIES)
        hostile.check(self, self.journal("SYSLOG_IDENTIFIER=chatroom"))
        # The server sent nothing to the journal as a plain line.
        self.assertEqual(self.journal("SYSLOG_IDENTIFIER=cat"), [])
