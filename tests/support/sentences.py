"""The sentences for people that the tests in Python look for: each once, so that a change
of its wording is a change of one line. The tests in Rust have theirs in sentences.rs.

A sentence with a value in it is a function of that value. Where only the beginning
matters, or the sentence holds a file's name, it is a compiled pattern.
"""

import re


def room_open(port):
    """The error where another room has the port: of the app, and of the server."""
    return f"A room is already open on this computer, port {port}."


# Home.
SAVE_MESSAGES = "Save Messages"
DELETE_SAVED = "Delete Saved Messages…"
SAVED_DELETED = "Saved messages deleted"
STORE_IN_USE = ("Another room on this computer uses the saved messages. "
                "Close that room first.")
RETURN = re.compile("^Return to")
HOST_AGAIN = re.compile("^Host “")


def store_damaged(file):
    return re.compile(f"^The saved messages are damaged. Delete them, or restore .*{re.escape(file)}")


def port_taken(port):
    return re.compile(f"^Another program uses port {port}")


# Join.
NOT_A_PORT = re.compile("^A port is a number from 1 to 65535")
NOT_A_HOST = "This is not the name or the IP address of a computer."
NOT_A_LINK = "A link to a room begins with “chatroom://”."
FULL = "The room is full. Try again when someone has left."
NO_ROOM = re.compile("^No room is open at")


def no_room(address):
    return f"No room is open at {address}. Check the address, or host a room there."


def no_such_host(host):
    return f"No computer named “{host}” was found. Check the name and your network."


def not_a_room(address):
    return f"Another program answers at {address}, not a room. Check the address and the port."


def joining(address):
    return f"Joining {address}…"


NOT_AN_INVITATION = ("This invitation is incomplete or damaged. Copy the whole link, "
                     "or ask the host for it again.")
KEY_NEEDED = "This room is private. Enter its key, or open an invitation. The host has both."
KEY_WRONG = re.compile("^This key does not let you in.")
NOT_A_KEY = "A key has 16 letters and digits, such as abcd-efgh-ijkl-mnop."


def kept_out(time):
    return re.compile(f"^The host keeps you out of this room. You can join again in {time}[.]$")


NOT_ENCRYPTED_ANSWER = re.compile("^The room should be encrypted, but the answer is not.")
OTHER_COMPUTER = "Another computer answers than the one you know"


def other_host(room):
    return f"Another computer says that it hosts “{room}”"


# The connection.
REMOVED = "The host has removed you from the room. You can keep reading."
OTHER_IDENTITY = "Another computer answers than the one you know. Nothing was sent to it."
LOST = "Connection lost"
LOST_FOR_LONG = re.compile("^Connection lost 1[0-9] seconds ago. ")
TRYING_AGAIN = re.compile("^Connection lost .* ago. Trying again in .*[.]$")
STOPPING = "The service stopped"
RECONNECTING = "Reconnecting…"
NOT_CONNECTED = "Not connected"
CLOSED = "The room was closed. You can keep reading, and leave when you like."
TAKEN_OVER = "You are in the room from another window or device."
NEW_ROOM = "This is a new room. The server does not have the messages above."
BACK = re.compile("^You are back; [0-9]+ messages? while you were away$")


def you_are_back(messages):
    return f"You are back; {messages} message{'' if messages == 1 else 's'} while you were away"


# The room.
MESSAGES_ARE_LOST = "Messages are lost when the room closes."
MESSAGES_ARE_SAVED = "Messages are saved."
BEGINNING = "This is where the room’s history begins"
LOADING = "Loading older messages"
ROOM_IS_OPEN = "A room is open, and closes with the session"
CLOSE_ROOM = "Close the Room?"
OTHERS_LOSE = re.compile("^1 other member is in the room")
MESSAGES_LOST = re.compile("The messages in this room are not saved and will be lost.")
TEXT_NOT_SENT = re.compile("Your unsent text will be lost.")
DISCARD = "Discard Unsent Text?"

ENCRYPTED = "Encrypted on the way. Whoever hosts the room can read it."


def muted(time):
    return re.compile(f"^The host has muted you. You can send messages again in {time}[.]$")


NOT_SENT_MUTED = "Not sent: the host has muted you."
SLOW_MODE = "Slow mode: a message every 10 seconds."

# How the row of a message that is not confirmed goes on.
SENDING = ", sending"
NOT_SENT = ". Not sent"
TOO_LONG = "Not sent: a message has at most 4000 characters and 100 lines."
COPIED = "Copied"

# The composer.
NOT_INSERTED = "Not inserted, too long: a message has at most 4000 characters and 100 lines."
NO_FILES = "Files cannot be sent in a room, only text."
NO_PICTURES = "Pictures cannot be sent in a room, only text."
DRAFT_GOES_ON = ("Your draft is longer than a message. "
                 "The rest follows when this part is sent.")

# The service: its journal, its status, and the text door.

# A part of what a visitor with nc receives first.
WELCOME = "Welcome to"
# Parts of what the listener prints.
ENCRYPTED = "Encrypted on the way. Whoever hosts the room can read it."
YOU_ARE_BACK = "You are back in the room."
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
