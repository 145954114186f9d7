#!/usr/bin/env python3
"""installed.py PREFIX: what is installed there is known to a desktop and works.

The app is started as a desktop does it: by its name on the session bus, and by a link.
"""

import subprocess
import sys
from pathlib import Path

from desktop import Desktop
from programs import PATIENCE, Trouble, end_by_signal, wait_for
from sentences import NO_ROOM

APP = "io.github.chatroom.Chatroom"


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        raise Trouble(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    prefix = Path(sys.argv[1]).resolve()
    end_by_signal()
    with Desktop(prefix=prefix) as desktop:
        if APP not in run("gio", "mime", "x-scheme-handler/chatroom"):
            raise Trouble("The app is not known as the one for chatroom:// links.")
        if "host-port" not in run("gsettings", "list-keys", APP):
            raise Trouble("The settings are not known.")

        run("gapplication", "launch", APP)
        window = desktop.window_of_anyone("Chatroom")
        window.find("button", "Host a Room")
        # Nobody listens on port 1.
        run("gapplication", "launch", APP, "chatroom://localhost:1")
        app = window.process_id()
        windows = wait_for("a second window", lambda: desktop.windows(app)[1:])
        # A link asks for the name first.
        windows[0].find("button", "Join").press()
        windows[0].find(name=NO_ROOM)


if __name__ == "__main__":
    try:
        main()
    except Trouble as trouble:
        sys.exit(str(trouble))
