#!/usr/bin/env python3
"""service.py TREE [WORD...]: tests the service under a real systemd.

TREE is a folder in which Chatroom is installed as on a system (DESTDIR). With words, only
the tests run whose names have one of them. If this system cannot make a machine, the tests
that need one say so and count as skipped.
"""

import sys
import time
import unittest
from pathlib import Path

import stage
from machine import Machine, what_is_missing
from test_alone import Alone

HERE = Path(__file__).parent


def name_of(test):
    return test.id().split(".", 1)[-1]


class Result(unittest.TestResult):
    """Reports on each test when it is over."""

    def __init__(self):
        super().__init__()
        self.passed = 0

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def tell(self, word, test, why=""):
        took = time.monotonic() - self.began
        print(f"{word:>7} {took:6.2f} s  {name_of(test)}{why}", flush=True)

    def addSuccess(self, test):
        self.passed += 1
        self.tell("passed", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.began = time.monotonic()
        self.tell("skipped", test, f": {reason}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.tell("FAILED", test, f"\n{self.failures[-1][1]}")

    def addError(self, test, err):
        super().addError(test, err)
        self.began = getattr(self, "began", time.monotonic())
        self.tell("FAILED", test, f"\n{self.errors[-1][1]}")


def each(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each(test)
        else:
            yield test


def main():
    tree, words = Path(sys.argv[1]).resolve(), sys.argv[2:]
    found = each(unittest.defaultTestLoader.discover(str(HERE), pattern="test_*.py"))
    tests = [test for test in found
             if not words or any(word in name_of(test) for word in words)]
    Alone.program = tree / "usr/bin/chatroom"
    on_machine = [test for test in tests if isinstance(test, stage.Stage)]
    result = Result()
    unittest.TestSuite(test for test in tests if test not in on_machine).run(result)
    missing = what_is_missing()
    if missing:
        for test in on_machine:
            result.addSkip(test, missing)
    elif on_machine:
        with Machine(tree) as stage.machine:
            unittest.TestSuite(on_machine).run(result)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.passed} passed, {failed} failed, {len(result.skipped)} skipped")
    sys.exit(1 if failed or not tests else 0)


if __name__ == "__main__":
    main()
