"""The sentences of the app that tests look for."""

# Home.
SAVE_MESSAGES = "Save Messages"
DELETE_SAVED = "Delete Saved Messages…"
SAVED_DELETED = "Saved messages deleted"

# The chat.
MESSAGES_ARE_SAVED = "Messages are saved."
MESSAGES_ARE_LOST = "Messages are lost when the room closes."
COPIED = "Copied"

# The composer.
TOO_LONG = "Not sent: a message has at most 4000 characters and 100 lines."
NOT_INSERTED = "Not inserted, too long: a message has at most 4000 characters and 100 lines."
NO_FILES = "Files cannot be sent in a room, only text."
NO_PICTURES = "Pictures cannot be sent in a room, only text."
DRAFT_GOES_ON = ("Your draft is longer than a message. "
                 "The rest follows when this part is sent.")
