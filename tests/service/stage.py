"""What the tests of the service share: one machine, put back after each test."""

import unittest

from machine import CONFIG, UNITS

machine = None


class Stage(unittest.TestCase):
    """Tests on the machine."""

    maxDiff = None

    def setUp(self):
        self.machine = machine
        # Only what this test does is of interest.
        machine.write("/run/cursor", "")
        machine.run("journalctl", "--sync")
        machine.run("journalctl", "--cursor-file=/run/cursor", "--lines=0")
        self.addCleanup(self.put_back)

    def put_back(self):
        machine.systemctl("stop", *UNITS)
        machine.systemctl("reset-failed")
        machine.run("sh", "-c", "rm -rf /run/systemd/system/chatroom*.d /etc/credstore"
                                " /var/lib/chatroom* /var/lib/private/chatroom*")
        machine.systemctl("daemon-reload")
        machine.run("cp", "/etc/chatroom/chatroom.toml.shipped", CONFIG)

    def journal(self, *matches):
        """What came into the journal during this test."""
        return machine.journal("--after-cursor", self.cursor(), *matches)

    def cursor(self):
        return machine.run("cat", "/run/cursor").stdout.strip()
