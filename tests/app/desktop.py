"""A desktop of its own for a program, and a hand to drive the program's windows.

The desktop is a display that nobody sees, a session bus, an accessibility bus and
settings in a folder that goes with it. The hand finds things by what they are and
what they are called, as a screen reader does, and presses keys as a person does.
Nothing waits blindly: every wait is for a condition, and one that does not come
true ends with a sentence that says what was waited for.

    with Desktop() as desktop:
        app = desktop.start("target/debug/chatroom")
        window = desktop.window(app)
        window.find("button", "Host a Room").press()

One desktop in a process: the accessibility library finds its bus once.
"""

import ctypes
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402 (the version is said first)

# Seconds that a wait takes before it fails. Long, as a machine may be busy.
PATIENCE = 30
# Seconds between two looks at a condition.
PAUSE = 0.05


class Trouble(Exception):
    """What went wrong, as a sentence for a person."""


def wait_for(what, condition, patience=PATIENCE):
    """Waits until `condition()` gives something, and returns that."""
    end = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Trouble(f"Waited {patience} s in vain for {what}.")
        # The accessibility library takes in what has changed.
        while GLib.MainContext.default().iteration(False):
            pass
        time.sleep(PAUSE)


def end_by_signal():
    """Lets SIGTERM and SIGHUP end this program as Ctrl+C does: after its clean-up."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it was ignored
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


class Desktop:
    """A display, buses and settings; what is started on it ends with it."""

    def __init__(self, width=1280, height=800, prefix=None):
        """With a `prefix`, what is installed there is known to the desktop."""
        self.size = f"{width}x{height}x24"
        self.prefix = prefix
        self.processes = []

    def __enter__(self):
        _adopt_orphans()
        self.folder = Path(tempfile.mkdtemp(prefix="chatroom-desktop-"))
        try:
            self._set_environment()
            display = self._start_and_read("Xvfb", "-displayfd", "{}", "-screen", "0", self.size,
                                           "-nolisten", "tcp", "-noreset")
            os.environ["DISPLAY"] = f":{display}"
            self._display = _claim_compositor()
            os.environ["DBUS_SESSION_BUS_ADDRESS"] = self._start_and_read(
                "dbus-daemon", "--session", "--nofork", "--print-address={}")
            # Windows come and go while it looks at them, and it complains of that.
            GLib.log_set_handler("dbind", GLib.LogLevelFlags.LEVEL_WARNING, lambda *_: None, None)
            self.root = Node(Atspi.get_desktop(0))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            stop(process)
        _stop_all_children()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _set_environment(self):
        """Nothing of the user's is seen or touched."""
        for name in ("CONFIG", "DATA", "CACHE", "STATE", "RUNTIME"):
            folder = self.folder / name.lower()
            folder.mkdir(mode=0o700)
            os.environ["XDG_RUNTIME_DIR" if name == "RUNTIME" else f"XDG_{name}_HOME"] = str(folder)
        if self.prefix:
            others = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
            os.environ["XDG_DATA_DIRS"] = f"{self.prefix}/share:{others}"
        settings = self.folder / "config" / "gtk-4.0" / "settings.ini"
        settings.parent.mkdir()
        # What moves is not yet where it is clicked.
        settings.write_text("[Settings]\ngtk-enable-animations=0\n")
        for name in ("WAYLAND_DISPLAY", "XAUTHORITY", "AT_SPI_BUS_ADDRESS", "GTK_THEME"):
            os.environ.pop(name, None)
        os.environ.update(
            GDK_BACKEND="x11",
            GSK_RENDERER="cairo",
            GSETTINGS_BACKEND="keyfile",
            GTK_A11Y="atspi",
            GIO_USE_VFS="local",
            ADW_DISABLE_PORTAL="1",
            GDK_DEBUG="no-portals",
        )

    def _start_and_read(self, program, *arguments):
        """Starts a program that writes one line to the file descriptor `{}`."""
        ours, its = os.pipe()
        log = self.folder / program
        with open(log, "wb") as words:
            self.start(program, *(argument.format(its) for argument in arguments),
                       pass_fds=[its], stdout=words, stderr=words)
        os.close(its)
        line = b""
        with os.fdopen(ours, "rb", buffering=0) as pipe:
            while not line.endswith(b"\n"):
                ready, _, _ = select.select([pipe], [], [], PATIENCE)
                more = pipe.read(4096) if ready else b""
                if not more:
                    raise Trouble(f"{program} did not start:\n{log.read_text(errors='replace')}")
                line += more
        return line.decode().strip()

    def set(self, path, key, value):
        """Writes a setting of a program, as GVariant text, before it is started."""
        file = GLib.KeyFile()
        name = str(self.folder / "config" / "glib-2.0" / "settings" / "keyfile")
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        try:
            file.load_from_file(name, GLib.KeyFileFlags.NONE)
        except GLib.Error:
            pass
        file.set_value(path, key, value)
        file.save_to_file(name)

    def start(self, *command, dark=False, apart=False, **options):
        """Starts a program on this desktop. Should this process be killed, it ends too.

        What it writes goes to this program's standard error. A second instance of an
        app is the first one with one more window; `apart` it is a program of its own.
        """
        command = [str(word) for word in command]
        if not shutil.which(command[0]):
            raise Trouble(f"{command[0]} is not installed; ./dev test knows what is needed.")
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", sys.stderr)
        environment = dict(os.environ)
        environment["ADW_DEBUG_COLOR_SCHEME"] = "prefer-dark" if dark else "prefer-light"
        if apart:
            environment["AT_SPI_BUS_ADDRESS"] = self.accessibility_bus()
            environment["DBUS_SESSION_BUS_ADDRESS"] = "disabled:"
        options.setdefault("env", environment)
        # A session of its own, so that a Ctrl+C is ours alone to answer.
        process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", *command],
                                   start_new_session=True, **options)
        self.processes.append(process)
        return process

    def accessibility_bus(self):
        """The address of the accessibility bus."""
        bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        return bus.call_sync("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress", None,
                             None, Gio.DBusCallFlags.NONE, -1, None).unpack()[0]

    def windows(self, process_id):
        """The windows of a program, in the order in which they came."""
        for app in self.root.children():
            if app.process_id() == process_id:
                return [Window(child.accessible, self) for child in app.children()]
        return []

    def window(self, process, patience=PATIENCE):
        """The window of a program that was started here, when it has come."""
        name = process.args[4]

        def there():
            if process.poll() is not None:
                raise Trouble(f"{name} ended (exit status {process.returncode}) "
                              "before its window came.")
            return self._usable(process.pid)

        return wait_for(f"a window of {name}", there, patience)

    def window_of_anyone(self, title, patience=PATIENCE):
        """A window with this title, when it has come, whoever started its program."""

        def there():
            for app in self.root.children():
                window = self._usable(app.process_id())
                if window and window.name() == title:
                    return window
            return None

        return wait_for(f'a window "{title}"', there, patience)

    def _usable(self, process_id):
        windows = [window for window in self.windows(process_id) if window.is_showing()]
        return windows[0] if windows and windows[0].x11_id() else None

    def type(self, text):
        """Types on the keyboard, into what has the focus; plain letters only."""
        xdotool("type", "--delay", "8", "--", text)

    def press(self, *keys):
        """Presses keys like "Return" or "shift+Tab", one after the other."""
        xdotool("key", "--delay", "8", *keys)

    def picture(self, path, window="root"):
        """Saves what is to be seen on the display as a PNG."""
        try:
            subprocess.run(["import", "-silent", "-window", str(window), f"png:{path}"],
                           check=True, timeout=PATIENCE)
        except (subprocess.SubprocessError, OSError) as error:
            raise Trouble(f"The picture {path} could not be made: {error}") from error


def stop(process, patience=5):
    """Asks a program to end, and makes it end when it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def xdotool(*arguments):
    done = subprocess.run(["xdotool", *map(str, arguments)], stdout=subprocess.PIPE, text=True,
                          timeout=PATIENCE, check=False)
    return done.stdout.split()


class Node:
    """Something in a window, as the accessibility bus tells of it.

    It may vanish at any time; what has vanished has no name, no text, no children.
    """

    def __init__(self, accessible, window=None):
        self.accessible = accessible
        self.window = window

    def __str__(self):
        return f'{self.role()} "{self.name()}"'

    def _ask(self, question, otherwise):
        try:
            self.accessible.clear_cache_single()
            return question(self.accessible)
        except GLib.Error:
            return otherwise

    def name(self):
        return self._ask(Atspi.Accessible.get_name, "")

    def role(self):
        return self._ask(Atspi.Accessible.get_role_name, "")

    def process_id(self):
        return self._ask(Atspi.Accessible.get_process_id, 0)

    def description(self):
        return self._ask(Atspi.Accessible.get_description, "")

    def has(self, state):
        """Whether it is in a state, by its name: "focused", "sensitive", "checked"."""
        kind = getattr(Atspi.StateType, state.upper())
        return self._ask(lambda it: it.get_state_set().contains(kind), False)

    def is_showing(self):
        return self.has("showing")

    def text(self):
        """The text in it, or its name where it holds none."""

        def read(it):
            text = it.get_text_iface()
            return text and Atspi.Text.get_text(text, 0, Atspi.Text.get_character_count(text))

        return self._ask(read, "") or self.name()

    def children(self):
        def read(it):
            return [it.get_child_at_index(index) for index in range(it.get_child_count())]

        return [Node(child, self.window) for child in self._ask(read, []) if child]

    def all(self, role=None, name=None):
        """What is showing now in it, of this role and with this name.

        The name is whole, or a compiled pattern that is found in it or in its text.
        """
        found = []
        for child in self.children():
            if not child.is_showing():
                continue
            if (role is None or child.role() == role) and child._is_called(name):
                found.append(child)
            found += child.all(role, name)
        return found

    def _is_called(self, name):
        if isinstance(name, re.Pattern):
            return bool(name.search(self.name()) or name.search(self.text()))
        return name is None or self.name() == name

    def find(self, role=None, name=None, patience=PATIENCE):
        """The first of `all`, when it is there."""
        called = name.pattern if isinstance(name, re.Pattern) else name
        what = " ".join(filter(None, [role or "something", called and f'"{called}"']))
        try:
            found = wait_for(f"{what} in the {self}", lambda: self.all(role, name), patience)
        except Trouble as trouble:
            raise Trouble(f"{trouble} It shows:\n{self.tree()}") from None
        return found[0]

    def tree(self, depth=1):
        """All that is showing, a line each, for a message that says what was not found."""
        lines = []
        for child in self.children():
            if child.is_showing():
                text = child.text()
                more = f": {text!r}" if text != child.name() else ""
                lines += ["  " * depth + str(child) + more, *child.tree(depth + 1).splitlines()]
        return "\n".join(lines)

    def press(self):
        """Does what a click does."""
        wait_for(f"the {self} to be sensitive", lambda: self.has("sensitive"))
        action = self._ask(Atspi.Accessible.get_action_iface, None)
        if not action or not self._ask(lambda _: Atspi.Action.do_action(action, 0), False):
            raise Trouble(f"The {self} cannot be pressed.")

    def click(self, button=1):
        """Clicks in its middle with the mouse, which also gives it the keyboard."""

        def place():
            area = self._ask(lambda it: Atspi.Component.get_extents(
                it.get_component_iface(), Atspi.CoordType.WINDOW), None)
            return area and area.width and area

        area = wait_for(f"the {self} to have a place", place)
        xdotool("mousemove", "--window", self.window.x11_id(),
                area.x + area.width // 2, area.y + area.height // 2, "click", button)

    def focus(self):
        """Gives it the keyboard."""
        self.click()
        wait_for(f"the focus on the {self}", lambda: self.has("focused"))
        return self

    def write(self, text):
        """Puts any text into it, where `Desktop.type` has only plain letters."""
        editable = self._ask(Atspi.Accessible.get_editable_text_iface, None)
        if not editable or not self._ask(
                lambda _: Atspi.EditableText.set_text_contents(editable, text), False):
            raise Trouble(f"Nothing can be written into the {self}.")


class Window(Node):
    """A window of a program."""

    def __init__(self, accessible, desktop):
        super().__init__(accessible, self)
        self.desktop = desktop

    def x11_id(self):
        """By what the display knows it."""
        found = xdotool("search", "--onlyvisible", "--all", "--pid", self.process_id(),
                        "--name", "^" + re.escape(self.name()) + "$")
        # Of several with this title: both sides count them up as they come.
        twins = [window.accessible for window in self.desktop.windows(self.process_id())
                 if window.name() == self.name()]
        place = twins.index(self.accessible) if self.accessible in twins else 0
        return sorted(found, key=int)[place] if place < len(found) else None

    def activate(self):
        """Brings it to the front and gives it the keyboard."""
        window = self.x11_id()
        xdotool("windowraise", window, "windowfocus", "--sync", window)
        return self

    def move(self, x, y):
        xdotool("windowmove", self.x11_id(), x, y)

    def resize(self, width, height):
        xdotool("windowsize", self.x11_id(), width, height)

    def picture(self, path):
        self.desktop.picture(path, self.x11_id())


def _claim_compositor():
    """Says that the display shows windows through a compositor.

    Then GTK gives a window its round corners and no frame, and the accessibility
    bus tells places without that frame. Nothing is blended: corners are black.
    """
    x11 = ctypes.CDLL("libX11.so.6")
    number, pointer = ctypes.c_ulong, ctypes.c_void_p
    for function in (x11.XDefaultRootWindow, x11.XInternAtom, x11.XCreateSimpleWindow):
        function.restype = number
    x11.XOpenDisplay.restype = pointer
    display = pointer(x11.XOpenDisplay(None))
    if not display:
        raise Trouble("The display that was just started cannot be reached.")
    root = number(x11.XDefaultRootWindow(display))
    owner = number(x11.XCreateSimpleWindow(display, root, 0, 0, 1, 1, 0, number(0), number(0)))
    claim = number(x11.XInternAtom(display, b"_NET_WM_CM_S0", 0))
    x11.XSetSelectionOwner(display, claim, owner, number(0))
    x11.XSync(display, 0)
    return display


def _adopt_orphans():
    """What our children leave behind becomes ours (PR_SET_CHILD_SUBREAPER)."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def _children(process="self"):
    found = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += path.read_text().split()
        except OSError:
            pass
    return found + [grandchild for child in found for grandchild in _children(child)]


def _stop_all_children():
    """Ends what the buses have started, and what that has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + 3
        for child in _children():
            try:
                os.kill(int(child), number)
            except ProcessLookupError:
                pass
        while _children() and time.monotonic() < end:
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return
            time.sleep(PAUSE)
