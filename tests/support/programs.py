"""What every test in Python needs: programs that are started, and waiting for an event.

A script takes this by putting its folder, tests/support, on its path.
"""

import signal
import socket
import subprocess
import sys
import time

# Seconds after which a wait fails. Long, because a machine may be busy.
PATIENCE = 30
# Seconds between two checks of a condition.
PAUSE = 0.05


class Trouble(AssertionError):
    """A failure, described in a sentence for people."""


def wait_for(what, condition, patience=PATIENCE):
    """Waits until `condition()` returns something true, and returns it."""
    end = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Trouble(f"Waited {patience} s in vain for {what}.")
        time.sleep(PAUSE)


def end_by_signal():
    """Lets SIGTERM and SIGHUP end this program as Ctrl+C does: after its clean-up."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it was ignored
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


def stop(process, patience=5):
    """Asks a program to end, and kills it if it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    """A port that nobody has. The system does not soon give it to another program."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
