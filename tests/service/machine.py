"""A machine with a real systemd, for tests of the service, and members that connect to it.

The machine consists of namespaces (see boot) and takes two seconds to start. Chatroom is
installed on it, and it leaves nothing behind. Only root can make one.

    with Machine(tree) as machine:
        machine.systemctl("start", "chatroom")
        ada = machine.member("ada")
"""

import json
import os
import signal
import socket
import subprocess
import tempfile
import sys
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "support"))
from programs import PATIENCE, Trouble, wait_for  # noqa: E402 (where it is comes first)

PORT = 53000
CONFIG = "/etc/chatroom/chatroom.toml"
SHIPPED_CONFIG = "/usr/share/chatroom/chatroom.toml"
UNITS = ["chatroom-ondemand.socket", "chatroom-ondemand.service", "chatroom.service",
         "chatroom@*.service", "chatroom-ondemand@*.socket", "chatroom-ondemand@*.service"]
# The ids of journal entries; data/systemd/chatroom.catalog explains them.
OPENED = "2304c291b5df4b75be98c45d7c14c4d0"
CLOSED = "74b089a777a14351a823b42b53d780c0"
JOINED = "7aa3937bfd7e423d98400bf7ed1f25d5"
LEFT = "ba62cb238285453e94cc87bb7e5339ce"
REFUSED = "0c7927015bac4432b17c568d823ac809"
MISSED = "ba7a9725c46542cc96337c10de2272e1"
CHANGED = "1511e81d219c45d8a94bf883035a342a"
UNCHANGED = "aa346b426e14468ba2dd6a1032e1cf8a"
REMOVED = "447f84d0e223412ab88f6fdd745c2da8"
KEY_REPLACED = "c5a9afd521524487b83134b57d0747c8"
CERTIFICATE = "181a71666fc24c83ba20b617d5a5c459"
CERTIFICATE_KEPT = "43171fcd66ab471fb57aeaadf077bda3"
WARNED = "bac4aa59782848d9b18c993465c01a1c"
FAILED = "8a44676136eb4ad6aeb87fe6f96d82b9"


def what_is_missing():
    """The reason why this system cannot make such a machine; None if it can."""
    if os.geteuid() != 0:
        return "it takes root to start a machine"
    if not os.access("/lib/systemd/systemd", os.X_OK):
        return "there is no systemd"
    if not hasattr(os, "setns"):
        return "Python is older than 3.12"
    # The steps of boot that a container or a kernel may forbid.
    script = """
        set -e
        mount --make-rprivate /
        mount -t tmpfs none "$1"
        mkdir "$1/u" "$1/w" "$1/r" "$1/c"
        mount -t overlay none -o "lowerdir=/,upperdir=$1/u,workdir=$1/w" "$1/r"
        mount -t proc none "$1/r/proc"
        mount -t sysfs none "$1/r/sys"
        mount -t cgroup2 none "$1/c"
        own="$1/c$(sed -n 's/^0:://p' /proc/self/cgroup)/chatroom-$$"
        mkdir "$own"
        rmdir "$own"
    """
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--uts", "--ipc", "--net", "--",
             "sh", "-c", script, "sh", folder],
            capture_output=True, text=True, timeout=PATIENCE, check=False)
    if tried.returncode:
        return f"this system does not allow the namespaces: {tried.stderr.strip()}"
    return None


class Machine:
    """A machine with the contents of the folder `tree` installed."""

    def __init__(self, tree):
        self.tree = tree

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="chatroom-machine-")
        self.words = tempfile.TemporaryFile()
        self.outside = subprocess.Popen(
            [HERE / "boot", self.folder, self.tree], stdin=subprocess.DEVNULL,
            stdout=self.words, stderr=self.words, start_new_session=True)
        try:
            self.init = wait_for("the first process of the machine", self._first_process)
            self.network = os.open(f"/proc/{self.init}/ns/net", os.O_RDONLY)
            wait_for("the machine to be up", self._is_up)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # All other processes end with the first one.
        if getattr(self, "init", None):
            os.kill(self.init, signal.SIGKILL)
        else:
            self.outside.kill()
        self.outside.wait()
        os.rmdir(self.folder)

    def _first_process(self):
        if self.outside.poll() is not None:
            self.words.seek(0)
            raise Trouble(f"No machine: {self.words.read().decode()}")
        children = Path(f"/proc/{self.outside.pid}/task/{self.outside.pid}/children")
        for child in children.read_text().split():
            if Path(f"/proc/{child}/comm").read_text() == "systemd\n":
                return int(child)
        return None

    def _is_up(self):
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def run(self, *command, check=True, stdin=None, patience=PATIENCE):
        """Runs a command on the machine, as root."""
        done = subprocess.run(
            self._inside(*command), input=stdin, capture_output=True, text=True, timeout=patience, check=False,
            **({} if stdin is not None else {"stdin": subprocess.DEVNULL}))
        if check and done.returncode:
            raise Trouble(f"{' '.join(map(str, command))} failed "
                          f"({done.returncode}):\n{done.stdout}{done.stderr}")
        return done

    def _inside(self, *command):
        return ["nsenter", f"--target={self.init}", "--mount", "--uts", "--ipc", "--net", "--pid",
                "--cgroup", "--wd=/", "--", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "LC_ALL=C.UTF-8", "TERM=dumb", *map(str, command)]

    def systemctl(self, *command, check=True):
        return self.run("systemctl", *command, check=check)

    def show(self, unit, *keys):
        """Properties of a unit, as systemd shows them."""
        lines = self.systemctl("show", unit, f"--property={','.join(keys)}").stdout.splitlines()
        told = dict(line.split("=", 1) for line in lines)
        return [told[key] for key in keys] if len(keys) > 1 else told[keys[0]]

    def is_in(self, unit, *states, patience=PATIENCE):
        """Waits until a unit is in one of these states."""
        wait_for(f"{unit} to be {' or '.join(states)} (it is {self.show(unit, 'ActiveState')})",
                 lambda: self.show(unit, "ActiveState") in states, patience)

    def write(self, path, text):
        """Writes a file on the machine."""
        self.run("sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1"', "sh", path, stdin=text)

    def drop_in(self, unit, text):
        """Changes a unit, until this machine ends."""
        self.write(f"/run/systemd/system/{unit}.d/test.conf", text)
        self.systemctl("daemon-reload")

    def undo_drop_in(self, unit):
        self.run("rm", "-rf", f"/run/systemd/system/{unit}.d")
        self.systemctl("daemon-reload")

    def journal(self, *matches):
        """The entries of the journal that match, oldest first."""
        # After this, the journal has all entries sent before.
        self.run("journalctl", "--sync")
        out = self.run("journalctl", "--output=json", "--all", *matches).stdout
        return [json.loads(line) for line in out.splitlines()]

    @contextmanager
    def inside(self):
        """Puts new sockets of this thread into the machine's network."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        os.setns(self.network, os.CLONE_NEWNET)
        try:
            yield
        finally:
            os.setns(here, os.CLONE_NEWNET)
            os.close(here)

    def connect(self, port=PORT, source=None):
        with self.inside():
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE,
                                            source_address=source)

    def member(self, name, port=PORT):
        """A new member by the native door."""
        return Member(self.connect(port), name)

    def start(self, *command):
        """Starts a command on the machine, as root; `stdout` has its output."""
        return subprocess.Popen(self._inside(*command), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, text=True)

    def nc(self, *lines, port=PORT):
        """Joins with nc, sends these lines and leaves; returns the output of nc."""
        done = self.run("nc", "-N", "localhost", port, stdin="".join(f"{it}\n" for it in lines))
        return done.stdout


class Member:
    """A member of the room."""

    def __init__(self, connection, name, **hello):
        self.connection = connection
        self.lines = connection.makefile("rb")
        self.send({"hello": {"protocol": 1, "name": name, **hello}})
        self.welcome = self.hears("welcome")

    def send(self, frame):
        self.connection.sendall(json.dumps(frame).encode() + b"\n")

    def next(self):
        """The next frame; None at the end of the connection."""
        for line in self.lines:
            if line.startswith(b"{"):
                return json.loads(line)
        return None

    def hears(self, kind, where=lambda it: True):
        """Waits for a frame."""
        while frame := self.next():
            if kind in frame and where(frame[kind]):
                return frame[kind]
        raise Trouble(f"The connection ended before {kind}.")

    def say(self, text):
        """Sends a message, and returns its echo."""
        self.send({"say": {"text": text}})
        return self.hears("message", lambda it: it["text"] == text)

    def is_there(self):
        """Waits until the room answers a ping."""
        self.send({"ping": {}})
        self.hears("pong")
        return True

    def leave(self):
        self.send({"bye": {}})
        self.hears("closed")
        self.close()

    def close(self):
        # Each of the two keeps the connection open.
        self.lines.close()
        self.connection.close()
