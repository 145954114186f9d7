"""A stage for tests that drive the app's windows as a person would.

A class of tests has one desktop. Each test brings on what it needs: windows, people
who come in from a terminal, a server; all of it leaves with the test.

    class Talk(Stage):
        def test_what_the_host_says_is_heard(self):
            ada = self.host("Ada")
            ben = self.guest("Ben", ada.port)
            ada.say("hello")
            ben.hears("Ada: hello")
"""

import json
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

from desktop import Desktop, xdotool  # noqa: F401 (for the tests)
from programs import Trouble, end_by_signal, free_port, stop, wait_for  # noqa: F401

PROGRAM = Path(os.environ.get("CARGO_TARGET_DIR", "target"), "debug", "chatroom").resolve()
# Where the pictures of failed tests are.
PICTURES = Path(os.environ.get("CARGO_TARGET_DIR", "target"), "failed")
# Where the pictures of dialogs are saved, if someone wants to look at them.
GALLERY = os.environ.get("CHATROOM_GALLERY")
SETTINGS = "io/github/chatroom/Chatroom"
# How the window tells where the room is: host:port, and nothing more.
ADDRESS = re.compile(r"^(\S+):(\d+)$")
# How GLib and all that is built on it complain, with a domain or without one.
COMPLAINT = re.compile(r"\b(WARNING|CRITICAL|ERROR) \*\*|panicked")
# GTK says this of itself when the release of the button that opens a menu arrives while the
# menu is being mapped, which happens in one of some twenty runs on a busy machine. Other
# programs see it too (transmission#7314, rnote#477); the menu works all the same.
OF_GTK = re.compile(r"Broken accounting of active state for widget 0x\w+\(GtkPopoverMenu\)$")
# So many failures end a file: what is broken then is no single thing.
ENOUGH = 4
# Beside the first window.
BESIDE = 800


def whole(text):
    """A pattern that is found where a text stands, with whatever is around it."""
    return re.compile(re.escape(text))


def said(name, text, after=r", \d\d:\d\d"):
    """A message as its row tells it; with other words `after` it, one that is not said yet."""
    return re.compile(f"^{re.escape(name)}: {re.escape(text)}{after}$", re.DOTALL)


def name_of(test):
    """What a test is called, without the place of its file; a part of one like the whole."""
    whole_test = getattr(test, "test_case", test)
    return whole_test.id().removeprefix("__main__.")


class Stage(unittest.TestCase):
    """Tests on one desktop, which has room for two windows side by side."""

    # What is asked of a failed comparison is to be seen whole.
    maxDiff = None
    # Whether the windows that come next are dark.
    dark = False

    @classmethod
    def setUpClass(cls):
        cls.desktop = cls.enterClassContext(Desktop(2 * BESIDE, 760))

    def setUp(self):
        self.apps = []
        (self.desktop.folder / "config/glib-2.0/settings/keyfile").unlink(missing_ok=True)
        for folder in ("state", "data"):
            shutil.rmtree(self.desktop.folder / folder, ignore_errors=True)
        # Ports: any free one, unless a test wants another.
        self.set("host-port", "uint16 0")

    def set(self, key, value):
        """A setting of the apps that are started next, as GVariant text."""
        self.desktop.set(SETTINGS, key, value)

    def app(self, name, *arguments, at=0, apart=True, account=None):
        """A window of someone, in a process of its own, at so many pixels from the left.

        Not `apart`, it is known on the session bus, where there can be one only. Two names
        can be those of one `account` on this computer."""
        self.set("name", f"'{name}'")
        # Each of them is another person.
        os.environ["XDG_STATE_HOME"] = str(self.state_of(name))
        os.environ["XDG_DATA_HOME"] = str(self.data_of(account or name))
        app = App(self, *arguments, apart=apart)
        app.state = self.state_of(name)
        app.window.move(at, 0)
        return app

    def state_of(self, name):
        """Where the app of someone keeps what outlives it."""
        return self.desktop.folder / "state" / name

    def data_of(self, name):
        """Where the app of someone keeps the identity of their rooms, and those that they know."""
        return self.desktop.folder / "data" / name

    def host(self, name="Ada", port=0):
        """A window in which a room is hosted."""
        self.set("host-port", f"uint16 {port}")
        app = self.app(name)
        app.window.find("button", "Host a Room").press()
        app.comes_in()
        app.port = int(ADDRESS.match(app.addresses()[0])[2])
        return app

    def join(self, name, port, at=BESIDE):
        """A window in the room at this port of this computer."""
        app = self.app(name, f"localhost:{port}", at=at)
        app.comes_in()
        return app

    def server(self, *options, port=0):
        """A server without a window, on a port of its own unless another is wanted."""
        # It is the same computer each time, whoever's app was started last.
        environment = os.environ | {"XDG_STATE_HOME": str(self.state_of("server"))}
        server = Lines(self, PROGRAM, "--server", "--port", port, "--bind", "127.0.0.1", *options,
                       env=environment)
        server.port = int(server.prints(r"^  \S+:(\d+)$")[1])
        return server

    def listener(self, port):
        """`chatroom --listen`."""
        listener = Lines(self, PROGRAM, "--listen", f"localhost:{port}")
        listener.prints("Welcome to")
        return listener

    def picture_of(self, name):
        """Saves the display under this name, where someone wants to look at it."""
        if GALLERY:
            Path(GALLERY).mkdir(parents=True, exist_ok=True)
            time.sleep(0.3)
            self.desktop.picture(Path(GALLERY) / f"{name}.png")

    def guest(self, name, port):
        """Someone who comes in with something like nc."""
        return Guest(self, name, port)

    def cable(self, port):
        """A way to this port that can be cut."""
        return Cable(self, port)

    def has_focus(self, app, role, name):
        """Waits until this has the keyboard."""
        wait_for(f"the focus on the {role} {name}, and not on {self.focus(app)}",
                 lambda: any(node.has("focused") for node in app.window.all(role, name)))

    def focus(self, app):
        return [(role, name) for _, node, role, name, _ in app.window.look()
                if node.has("focused")]

    def tab_to(self, app, role, name, key="Tab", steps=20):
        """Goes there with Tab, as often as it takes."""
        for _ in range(steps):
            if any(node.has("focused") for node in app.window.all(role, name)):
                return
            before = self.focus(app)
            self.desktop.press(key)
            wait_for("the focus to move", lambda: self.focus(app) != before)
        raise AssertionError(f"{steps} times {key} did not lead to the {role} {name}:\n"
                             + app.window.tree())

    def picture(self):
        """Saves what is to be seen now, for whoever looks into a failure."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = PICTURES / f"{name_of(self)}.png"
        self.desktop.picture(path)
        return path


class App:
    """The app, and its window."""

    def __init__(self, stage, *arguments, apart=True):
        self.desktop = stage.desktop
        self.log = tempfile.TemporaryFile(dir=self.desktop.folder)
        self.process = self.desktop.start(PROGRAM, *arguments, apart=apart, dark=stage.dark,
                                          stdout=self.log, stderr=self.log)
        stage.addCleanup(self.stop)
        stage.apps.append(self)
        self.window = self.desktop.window(self.process)

    def stop(self):
        """Ends it; what GTK complained about meanwhile is a fault of the app."""
        stop(self.process)
        self.desktop.processes.remove(self.process)
        complaints = [line for line in self.words().splitlines()
                      if COMPLAINT.search(line) and not OF_GTK.search(line)]
        if complaints:
            raise AssertionError("The app complained:\n" + "\n".join(complaints))

    def words(self):
        """What it has written to its terminal."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def activate(self):
        """Gives its window the keyboard."""
        self.window.activate()
        wait_for(f"the {self.window} to be active", lambda: self.window.has("active"))
        return self

    def comes_in(self):
        """Waits until it is in a room."""
        self.window.find("log", "Messages")
        wait_for("the composer to be open", lambda: self.composer().has("sensitive"))

    def addresses(self):
        """Where others can join, as the window of the host tells."""
        self.window.find("list item", ADDRESS)
        return [node.name() for node in self.window.all("list item", ADDRESS)]

    def opens_invitation(self):
        """Opens the dialog with the invitation, and gives the label with its link."""
        self.activate()
        self.desktop.press("ctrl+i")
        return self.window.find("label", re.compile("^chatroom://"))

    def invitation(self):
        """The link that lets others in."""
        link = self.opens_invitation().text()
        self.desktop.press("Escape")
        wait_for("the invitation to go", lambda: not self.window.all("button", "Copy Link"))
        return link

    def chooses(self, number, of=None):
        """Chooses an item of the open menu, by its number from the top.

        This GTK may give the items no names; `of` so many is what can be told."""
        items = wait_for("a menu", lambda: self.window.all("menu item"))
        if of is not None:
            wait_for(f"a menu of {of} items, and not {len(self.window.all('menu item'))}",
                     lambda: len(self.window.all("menu item")) == of)
            items = self.window.all("menu item")
        items[number - 1].press()

    def tells(self, sentence):
        """Waits for a toast."""
        self.window.find("label", sentence)

    def composer(self):
        return self.window.find("text", "Message")

    def say(self, *lines):
        """Types a message and sends it. Plain letters only."""
        self.activate()
        composer = self.composer()
        if not composer.has("focused"):
            composer.focus()
        for number, line in enumerate(lines):
            if number:
                self.desktop.press("shift+Return")
            self.desktop.type(line)
        wait_for("what was typed", lambda: composer.text() == "\n".join(lines))
        self.desktop.press("Return")

    def paste(self, text):
        """Puts a message into the composer, of whatever letters."""
        self.activate()
        composer = self.composer().focus()
        composer.write(text)
        wait_for("what was written", lambda: composer.content() == text)

    def sees(self, row):
        """The row of the conversation that tells this, when it is there."""
        return self.window.find("list item", row if isinstance(row, re.Pattern) else whole(row))

    def rows(self):
        """What is to be seen of the conversation, each row with its sentence."""
        log = self.window.find("log", "Messages")
        return [(node, name) for depth, node, role, name, _ in log.look()
                if depth == 1 and role == "list item"]

    def members(self):
        """The names in the list of members."""
        members = self.window.find("list", "Members")
        return [name for depth, _, role, name, _ in members.look()
                if depth == 1 and role == "list item"]

    def shows_members(self, *names):
        wait_for(f"the members {', '.join(names)}, and not {self.members()}",
                 lambda: sorted(self.members()) == sorted(names))

    def shows_banner(self, sentence):
        """Waits for what stands above the page."""
        self.window.find("label", sentence if isinstance(sentence, re.Pattern) else whole(sentence))

    def banner_goes(self):
        """Waits until the connection is there again."""
        wait_for("the banner to go", lambda: not self.window.all("button", "Try Now"))

    def is_home(self):
        self.window.find("button", "Host a Room")

    def has_ended(self):
        """Waits until it has ended by itself, as it should."""
        status = wait_for("the app to end", lambda: (self.process.poll(),)[0] is not None
                          and (self.process.returncode,))
        if status[0]:
            raise AssertionError(f"The app ended with exit status {status[0]}:\n{self.words()}")


class Lines:
    """A program that writes lines."""

    def __init__(self, stage, *command, **options):
        self.out = tempfile.TemporaryFile(dir=stage.desktop.folder)
        self.desktop = stage.desktop
        self.process = self.desktop.start(*command, stdout=self.out, stderr=self.out, **options)
        stage.addCleanup(self.stop)

    def stop(self):
        stop(self.process)
        if self.process in self.desktop.processes:
            self.desktop.processes.remove(self.process)

    def lines(self):
        return os.pread(self.out.fileno(), 1 << 24, 0).decode().splitlines()

    def prints(self, pattern):
        """The first line in which a pattern is found, when it is there."""
        def there():
            return next(filter(None, (re.search(pattern, line) for line in self.lines())), None)

        try:
            return wait_for(f'a line with "{pattern}"', there)
        except Trouble as trouble:
            raise Trouble(f"{trouble} It printed:\n" + "\n".join(self.lines())) from None


class Guest:
    """Someone who speaks lines over a socket."""

    def __init__(self, stage, name, port):
        self.name, self.port = name, port
        self.socket = socket.create_connection(("127.0.0.1", port))
        stage.addCleanup(self.socket.close)
        self.socket.setblocking(False)
        self.heard = b""
        self.ended = False
        self.say(name)
        self.hears("SERVER: ")

    def say(self, *lines):
        self.socket.sendall("".join(f"{line}\n" for line in lines).encode())

    def leave(self):
        self.say("?{quit}")
        self.is_let_go()

    def _read(self):
        try:
            while more := self.socket.recv(1 << 16):
                self.heard += more
            self.ended = True
        except BlockingIOError:
            pass
        except ConnectionError:
            self.ended = True
        return self.heard.decode(errors="replace")

    def hears(self, text):
        try:
            wait_for(f"{self.name} to hear “{text}”", lambda: text in self._read())
        except Trouble as trouble:
            raise Trouble(f"{trouble} They heard:\n{self._read()}") from None

    def is_let_go(self):
        """Waits until the connection has ended."""
        wait_for(f"the end of {self.name}'s connection", lambda: self._read() and self.ended)


class Cable:
    """A way to a port of this computer: a port of its own, which can be cut and mended."""

    def __init__(self, stage, port):
        self.to = port
        self.ends = []
        # What the client sends is lost.
        self.swallows = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        stage.addCleanup(self.cut)
        self._listen()

    def _listen(self):
        threading.Thread(target=self._accept, args=[self.listener], daemon=True).start()

    def _accept(self, listener):
        try:
            while True:
                ours, _ = listener.accept()
                theirs = socket.create_connection(("127.0.0.1", self.to))
                self.ends += [ours, theirs]
                for way in ((ours, theirs, True), (theirs, ours, False)):
                    threading.Thread(target=self._carry, args=way, daemon=True).start()
        except OSError:
            pass

    def _carry(self, source, sink, is_up):
        try:
            while some := source.recv(1 << 16):
                if not (is_up and self.swallows):
                    sink.sendall(some)
        except OSError:
            pass
        for end in (source, sink):
            self._end(end)

    def _end(self, end):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()

    def cut(self):
        """Ends what goes through it; nothing more comes through."""
        for end in [self.listener, *self.ends]:
            self._end(end)
        self.ends.clear()

    def jolt(self):
        """Ends what goes through it; what comes next goes through again."""
        ends, self.ends = self.ends, []
        for end in ends:
            self._end(end)

    def mend(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self._listen()


class Result(unittest.TextTestResult):
    """Writes a line for each test, and saves a picture where one fails."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.passed = 0
        self.pictures = {}
        self.began = 0

    def getDescription(self, test):
        return name_of(test)

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        self.stream.write(f"{time.monotonic() - self.began:.1f} s ")
        super().addSuccess(test)
        self.passed += 1

    def addError(self, test, err):
        self._save_picture(test)
        super().addError(test, err)
        self._stop_when_enough()

    def addFailure(self, test, err):
        self._save_picture(test)
        super().addFailure(test, err)
        self._stop_when_enough()

    def _stop_when_enough(self):
        if len(self.failures) + len(self.errors) == ENOUGH:
            self.stream.writeln("The rest of this file is not run.")
            self.stop()

    def addSubTest(self, test, subtest, err):
        if err:
            self._save_picture(test)
        super().addSubTest(test, subtest, err)

    def _save_picture(self, test):
        if isinstance(test, Stage) and name_of(test) not in self.pictures:
            try:
                self.pictures[name_of(test)] = test.picture()
            except Trouble as trouble:
                self.pictures[name_of(test)] = trouble
            self.stream.writeln(f"\nThe display: {self.pictures[name_of(test)]}")


def main():
    """Runs the tests of one file; with arguments those whose names hold one of them.

    What came of it goes as JSON to the file descriptor in CHATROOM_RESULT, if there is one.
    """
    end_by_signal()
    if not shutil.which(str(PROGRAM)):
        sys.exit(f"{PROGRAM} is missing; ./dev cargo build makes it.")
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{word}*" for word in sys.argv[1:]] or None
    suite = loader.loadTestsFromModule(sys.modules["__main__"])
    result = unittest.TextTestRunner(sys.stdout, resultclass=Result, verbosity=2).run(suite)
    bad = result.failures + result.errors
    told = {
        "passed": result.passed,
        "skipped": [(name_of(test), why) for test, why in result.skipped],
        "failed": sorted({name_of(test) for test, _ in bad}),
    }
    if "CHATROOM_RESULT" in os.environ:
        os.write(int(os.environ["CHATROOM_RESULT"]), json.dumps(told).encode())
    sys.exit(0 if result.wasSuccessful() else 1)
