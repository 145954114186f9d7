#!/usr/bin/env python3
"""windows.py [WORD...]: drives the app's windows as a person would, in every test_*.py here.

With words, only the tests whose names hold one of them. Each file has a process and
a desktop of its own; two of them run at a time. Ends with how many passed and failed,
and fails if one failed.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "support"))
from programs import end_by_signal  # noqa: E402 (where it is comes first)

AT_ONCE = 2
# Seconds for one file. Each wait in it has its own, shorter one.
LIMIT = 200


def run(file, words):
    """What came of the tests of a file, and what they wrote."""
    ours, its = os.pipe()
    began = time.monotonic()
    # Of a group of its own, so that it can be ended with all that it started.
    process = subprocess.Popen([sys.executable, file, *words], pass_fds=[its],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True,
                               env={**os.environ, "CHATROOM_RESULT": str(its)})
    os.close(its)
    running.add(process)
    try:
        words = process.communicate(timeout=LIMIT)[0]
    except subprocess.TimeoutExpired:
        # It cleans up.
        process.send_signal(signal.SIGTERM)
        words = process.communicate()[0]
    running.discard(process)
    with os.fdopen(ours, "rb") as pipe:
        told = pipe.read()
    result = json.loads(told) if told else {"passed": 0, "skipped": [], "failed": [
        f"{file.name} did not come to its end (exit status {process.returncode})"]}
    return result, words.decode(errors="replace"), time.monotonic() - began


running = set()


def main():
    end_by_signal()
    # What takes longest begins first.
    files = sorted(HERE.glob("test_*.py"), key=lambda file: -file.read_text().count("def test_"))
    waiting, done = queue.Queue(), queue.Queue()
    for file in files:
        waiting.put(file)

    def work():
        while True:
            try:
                file = waiting.get_nowait()
            except queue.Empty:
                return
            done.put((file, *run(file, sys.argv[1:])))

    for _ in range(AT_ONCE):
        threading.Thread(target=work, daemon=True).start()
    passed, skipped, failed = 0, [], []
    try:
        for _ in files:
            file, result, words, took = done.get()
            print(f"--- {file.name} ({took:.1f} s)\n{words}", flush=True)
            passed += result["passed"]
            skipped += result["skipped"]
            failed += result["failed"]
    finally:
        waiting.queue.clear()
        for process in list(running):
            process.terminate()
            process.wait()
    for name, why in skipped:
        print(f"skipped: {name}: {why}")
    for name in failed:
        print(f"failed: {name}")
    print(f"{passed} passed, {len(failed)} failed")
    if failed or not passed:
        sys.exit(1)


if __name__ == "__main__":
    main()
