"""Runs the commands of docs/hosting.md unchanged, one after the other."""

import re
from pathlib import Path

from machine import MISSED
from stage import Stage

PAGE = Path(__file__).parent.parent.parent / "docs" / "hosting.md"
# The text between the lines ```sh and ```.
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CATALOG = "/usr/lib/systemd/catalog/chatroom.catalog"
LEFT_BEHIND = ("/etc/systemd/system/chatroom* /etc/systemd/system/*.wants/chatroom* "
               "/root/room-backup.db")


class Docs(Stage):

    def test_every_command_for_hosting_works_as_it_stands_there(self):
        machine = self.machine
        # This runs after the reset of the machine, which stops the units.
        self.addCleanup(machine.run, "sh", "-c", f"rm -rf {LEFT_BEHIND}")
        blocks = BLOCK.findall(PAGE.read_text())
        self.assertGreater(len(blocks), 10)
        for block in blocks:
            machine.run("sh", "-eu", "-c", block)

    def test_every_kind_of_entry_is_explained(self):
        catalog = self.machine.run("cat", CATALOG).stdout
        kinds = re.findall(r"^-- ([0-9a-f]{32})$", catalog, re.MULTILINE)
        self.assertIn(MISSED, kinds)
        told = re.findall(r"^\| `([0-9a-f]{32})` \|", PAGE.read_text(), re.MULTILINE)
        self.assertEqual(sorted(told), sorted(kinds))
