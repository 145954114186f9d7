"""Names that try to forge an entry, a field or a line, or to control a terminal."""

import re
import socket

from machine import CLOSED, JOINED, LEFT, OPENED, REFUSED, Member

NAMES = [
    "ada\nMESSAGE=forged", "ada\nCHATROOM_NAME=forged\n", "ada\r\nPRIORITY=0", "\x1b[31mred\x1b[0m",
    "\x1b]52;c;Zm9yZ2Vk\x07", "\x9b31m", "\u202eada\u202c", "\u2066ada\u2069", "a\u200bd\u200ba",
    "ada\x00ben", "\x7f\x08\x08\x08", "“ada” joined (native, [::1]:1). 1", "a" * 50_000,
    "\ufeffada", "é\u0301\u0301\u0301", "\ud83d\ude00", "ada\u2028ben\u2029eve", "%n%s@ADA@", " ", "",
]
# Those by which nobody joins by the text door: another program's, and no name at all.
NOT_TYPED = ["ada\x00ben", " ", ""]
# Characters that control a terminal, or change the direction of a line.
ACTS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def visit(connect):
    """Joins and leaves with each of the names, by both doors, one after the other."""
    for name in NAMES:
        Member(connect(), name).leave()
        line = connect()
        line.sendall(name.encode(errors="replace") + b"\n")
        line.shutdown(socket.SHUT_WR)
        while line.recv(1 << 16):
            pass
        line.close()


# Opened and closed; a join and a leave of each by both doors; and the other program.
ENTRIES = 2 + 4 * len(NAMES) - 2 * len(NOT_TYPED) + 1


def check(test, entries):
    """Checks that the journal has the joins and leaves, and no entry that a name forged."""
    test.assertEqual(len(entries), ENTRIES)
    for entry in entries:
        test.assertIn(entry["MESSAGE_ID"], (OPENED, CLOSED, JOINED, LEFT, REFUSED))
        test.assertIn(entry["PRIORITY"], ("5", "6"))
        # A room has several addresses.
        where = entry.pop("CHATROOM_ADDRESS", "") if entry["MESSAGE_ID"] == OPENED else ""
        texts = list(where) if isinstance(where, list) else [where]
        texts += [value for key, value in entry.items()
                  if key in ("MESSAGE", "SYSLOG_IDENTIFIER") or key.startswith("CHATROOM_")]
        for text in texts:
            # A single text: a repeated field would be a list, and so would bytes.
            test.assertIsInstance(text, str, entry)
            test.assertIsNone(ACTS.search(text), entry)
