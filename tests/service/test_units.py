"""Tests of the units with systemd's own checks."""

from pathlib import Path
import re

from stage import Stage

UNITS = "/usr/lib/systemd/system"


class Units(Stage):

    def ours(self, *endings):
        names = self.machine.run("ls", UNITS).stdout.split()
        return [name for name in names if name.startswith("chatroom") and name.endswith(endings)]

    def test_it_finds_nothing_wrong_with_them(self):
        units = self.ours(".service", ".socket")
        self.assertEqual(len(units), 6)
        # Templates are checked as an instance.
        units = {unit: f"/run/units/{unit.replace('@.', '@4001.')}" for unit in units}
        self.machine.run("mkdir", "-p", "/run/units")
        for unit, path in units.items():
            self.machine.run("cp", f"{UNITS}/{unit}", path)
        checked = self.machine.run("systemd-analyze", "verify", "--man=no", *units.values(),
                                   check=False)
        self.assertEqual((checked.stdout, checked.stderr, checked.returncode), ("", "", 0))

    def test_they_are_exposed_to_little(self):
        told = {}
        for unit in self.ours(".service"):
            path = f"{UNITS}/{unit}"
            done = self.machine.run("systemd-analyze", "security", "--offline=true", path,
                                    check=False)
            level = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
            told[unit] = float(level[1])
            self.assertLessEqual(told[unit], 0.5 if "ondemand" in unit else 1.2, unit)
        self.assertEqual(len(told), 4)
