"""The sentences for people that the tests of the service look for, as the program writes them.

Each is here once, so that a change of its wording is a change of one line. The tests in
Rust have theirs in tests/support/sentences.rs.
"""

import re

# A part of what a visitor with nc receives first.
WELCOME = "Welcome to"
# A part of the answer to `chatroom --status` for a user who may not ask.
ASK_AS_ADMINISTRATOR = "only the administrator"


def here(count):
    """The number of members in the room."""
    if count == 0:
        return "Nobody is here now."
    return "1 person is here now." if count == 1 else f"{count} people are here now."


def joined(name, door, address, count):
    """The journal's entry for a new member."""
    return f"“{name}” joined ({door}, {address}). {here(count)}"


def subject_joined(name):
    """The subject of the catalog's explanation of that entry."""
    return f"{name} joined"


def is_open(port):
    """A part of the journal's entry for a room that has opened."""
    return f"is open on port {port}"


def port_of(entry):
    """The port in an entry that `is_open`."""
    return int(re.search(is_open(r"(\d+)\.$"), entry)[1])


def room_already_open(port):
    """The error of a server whose port another room has."""
    return f"A room is already open on this computer, port {port}."


def unknown_key(path, line, column, key):
    """The beginning of the error about an unknown key in a configuration file."""
    return f"{path}, line {line}, column {column}: unknown field `{key}`"


def service_status(members, messages):
    """The text that systemd shows as the service's status."""
    there = {0: "Nobody is here", 1: "1 member"}.get(members, f"{members} members")
    return f"{there}, {messages} messages in the last minute"


def status_members(count, away, at_door):
    """The line of `chatroom --status` about members."""
    return f"members       {count}, {away} of them away; {at_door} at the door"
