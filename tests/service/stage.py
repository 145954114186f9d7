"""The base of the tests of the service: one machine, reset after each test."""

import unittest

from machine import UNITS

machine = None


class Stage(unittest.TestCase):
    """Tests on the machine."""

    maxDiff = None

    def setUp(self):
        self.machine = machine
        # So that `journal` returns only entries of this test.
        machine.write("/run/cursor", "")
        machine.run("journalctl", "--sync")
        machine.run("journalctl", "--cursor-file=/run/cursor", "--lines=0")
        self.addCleanup(self.put_back)

    def put_back(self):
        machine.systemctl("stop", *UNITS)
        machine.systemctl("reset-failed")
        machine.run("sh", "-c", "rm -rf /run/systemd/system/chatroom*.d /etc/credstore"
                                " /etc/chatroom /var/lib/chatroom* /var/lib/private/chatroom*")
        machine.systemctl("daemon-reload")

    def journal(self, *matches):
        """The entries of the journal during this test."""
        return machine.journal("--after-cursor", self.cursor(), *matches)

    def cursor(self):
        return machine.run("cat", "/run/cursor").stdout.strip()
