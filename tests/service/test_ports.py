"""What keeps a room from being opened for a while, or for as long as nobody mends it."""

import fcntl
import socket
import struct
from contextlib import contextmanager

from machine import CONFIG, FAILED, PORT, SHIPPED_CONFIG
from programs import wait_for
from stage import Stage

SERVICE = "chatroom.service"
# Sets an address of an interface (netdevice(7)).
SIOCSIFADDR = 0x8916


class Ports(Stage):

    def tries(self):
        return int(self.machine.show(SERVICE, "NRestarts"))

    def told(self):
        return [entry["MESSAGE"] for entry in self.journal(f"MESSAGE_ID={FAILED}")]

    @contextmanager
    def outgoing(self, port):
        """A connection from a port of the machine to another one of it."""
        with self.machine.inside():
            there, here = socket.socket(), socket.socket()
        with there, here:
            there.bind(("127.0.0.1", 0))
            there.listen()
            here.bind(("127.0.0.1", port))
            here.connect(there.getsockname())
            yield

    def test_a_port_that_is_in_use_is_tried_less_and_less_often_until_it_is_free(self):
        machine = self.machine
        # As it is shipped, but sooner.
        machine.drop_in(SERVICE, "[Service]\nRestartSec=50ms\n")
        # A port of its own: connections of other tests are still going down at the usual one.
        port = PORT + 1
        machine.write(CONFIG, f"port = {port}\n")
        with self.outgoing(port):
            machine.systemctl("start", "--no-block", SERVICE)
            # More often than systemd tries by itself.
            wait_for("many tries", lambda: self.tries() >= 7)
            self.assertIn(machine.show(SERVICE, "ActiveState"), ("activating", "inactive"))
            self.assertEqual(set(self.told()),
                             {f"Port {port} is in use by another program. Choose another port."})
            self.assertRegex(machine.show(SERVICE, "RestartUSecNext"), r"^\d+(\.\d+)?s|min")
        machine.is_in(SERVICE, "active")
        with machine.inside():
            socket.create_connection(("127.0.0.1", port)).close()

    def test_an_address_that_appears_late_is_waited_for(self):
        machine = self.machine
        machine.drop_in(SERVICE, "[Service]\nRestartSec=50ms\n")
        machine.write(CONFIG, 'bind = ["192.0.2.9"]\n')
        machine.systemctl("start", "--no-block", SERVICE)
        wait_for("many tries", lambda: self.tries() >= 6)
        self.assertIn("192.0.2.9 is not an address of this computer.", self.told())
        with machine.inside(), socket.socket() as any_socket:
            address = struct.pack("16sHH4s8x", b"lo:9", socket.AF_INET, 0, bytes([192, 0, 2, 9]))
            fcntl.ioctl(any_socket, SIOCSIFADDR, address)
        machine.is_in(SERVICE, "active")
        with machine.inside():
            socket.create_connection(("192.0.2.9", PORT)).close()

    def test_a_wrong_setting_is_told_once_and_not_tried_again(self):
        machine = self.machine
        machine.write(CONFIG, "prot = 4000\n")
        self.assertNotEqual(machine.systemctl("start", SERVICE, check=False).returncode, 0)
        machine.is_in(SERVICE, "failed")
        self.assertEqual(machine.show(SERVICE, "ExecMainStatus", "NRestarts"), ["78", "0"])
        self.assertEqual(len(self.told()), 1)
        # Nor a command line that is wrong.
        machine.systemctl("reset-failed", SERVICE)
        machine.drop_in(SERVICE, "[Service]\nExecStart=\nExecStart=/usr/bin/chatroom --nonsense\n")
        self.assertNotEqual(machine.systemctl("start", SERVICE, check=False).returncode, 0)
        machine.is_in(SERVICE, "failed")
        self.assertEqual(machine.show(SERVICE, "ExecMainStatus", "NRestarts"), ["2", "0"])

    def test_the_port_is_kept_from_outgoing_connections(self):
        machine = self.machine
        machine.run("/usr/lib/systemd/systemd-sysctl", "50-chatroom.conf")
        range_, reserved = (f"/proc/sys/net/ipv4/ip_local_{it}"
                            for it in ("port_range", "reserved_ports"))
        self.assertEqual(machine.run("cat", reserved).stdout, "53000\n")
        before = machine.run("cat", range_).stdout
        self.addCleanup(machine.run, "sh", "-c", f"echo '{before}' >{range_}; echo >{reserved}")
        machine.run("sh", "-c", f"echo '53000 53001' >{range_}")
        with machine.inside(), socket.socket() as there:
            there.bind(("127.0.0.1", 4000))
            there.listen()
            here = socket.create_connection(("127.0.0.1", 4000))
            self.assertEqual(here.getsockname()[1], 53001)
            with self.assertRaises(OSError):
                socket.create_connection(("127.0.0.1", 4000))
            here.close()

    def test_it_may_take_so_much_memory_and_no_more(self):
        for unit in (SERVICE, "chatroom-ondemand.service"):
            limits = self.machine.show(unit, "MemoryHigh", "MemoryMax")
            self.assertEqual(limits, [str(768 << 20), str(1 << 30)])

    def test_a_bounded_amount_is_kept_and_the_administrator_can_change_it(self):
        # In the file, whose copy can be changed; not on the command line, which would win.
        lines = self.machine.run("cat", SHIPPED_CONFIG).stdout.splitlines()
        self.assertEqual([line for line in lines if "keep-size = " in line], ['keep-size = "1G"'])
        self.assertNotIn("--keep-size", self.machine.show(SERVICE, "ExecStart"))

    def test_a_reload_needs_no_program_that_a_small_system_lacks(self):
        machine = self.machine
        machine.systemctl("start", SERVICE)
        machine.run("mount", "--bind", "/dev/null", "/usr/bin/kill")
        self.addCleanup(machine.run, "umount", "/usr/bin/kill")
        machine.write(CONFIG, 'room-name = "Attic"\n')
        machine.systemctl("reload", SERVICE)
        wait_for("the new name", lambda: machine.member("ada").welcome["room"] == "Attic")

    def test_systemd_has_nothing_to_complain_about_when_it_starts(self):
        machine = self.machine
        machine.systemctl("daemon-reload")
        machine.systemctl("start", SERVICE)
        machine.member("ada").leave()
        # What the service manager itself says of it.
        words = [entry["MESSAGE"] for entry in self.journal(f"UNIT={SERVICE}")]
        self.assertEqual([it for it in words if "redential" in it or "nknown" in it], [])
