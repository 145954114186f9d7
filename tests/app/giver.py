#!/usr/bin/env python3
"""giver.py KIND [TEXT]: a window that gives something: by the clipboard, the primary
selection and dragging it out of the window.

KIND is text, files (TEXT has a path or an address a line), picture, or rich: a text
with a picture of it, as word processors give it.
"""

import sys

import gi

gi.require_version("Gtk", "4.0")
gi.require_version("Gdk", "4.0")
from gi.repository import Gdk, Gio, GLib, Gtk  # noqa: E402


# A red pixel.
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63"
    "f8cfc0000003010100c9fe92ef0000000049454e44ae426082")


def provider(kind, text):
    """What is given, in the formats that programs give it in."""
    offer, new = Gdk.ContentProvider.new_for_bytes, GLib.Bytes.new
    plain = offer("text/plain;charset=utf-8", new(text.encode()))
    picture = offer("image/png", new(PICTURE))
    if kind == "text":
        parts = [plain]
    elif kind == "files":
        lines = text.split("\n")
        addresses = [line if "://" in line else Gio.File.new_for_path(line).get_uri()
                     for line in lines]
        uris = offer("text/uri-list", new("".join(f"{it}\r\n" for it in addresses).encode()))
        parts = [uris, plain]
    elif kind == "picture":
        parts = [picture]
    else:
        html = offer("text/html", new(f"<b>{text}</b>".encode()))
        parts = [picture, html, plain]
    return Gdk.ContentProvider.new_union(parts)


def activate(app):
    kind = sys.argv[1]
    text = sys.argv[2] if len(sys.argv) > 2 else ""
    if text.startswith("@"):
        with open(text[1:], encoding="utf-8") as file:
            text = file.read()
    window = Gtk.ApplicationWindow(application=app, title="Giver")
    window.set_default_size(200, 200)
    label = Gtk.Label(label="Drag this", hexpand=True, vexpand=True)
    source = Gtk.DragSource()
    source.connect("prepare", lambda *_: provider(kind, text))
    label.add_controller(source)
    window.set_child(label)
    window.present()
    window.get_clipboard().set_content(provider(kind, text))
    window.get_primary_clipboard().set_content(provider(kind, text))


app = Gtk.Application(application_id=None, flags=Gio.ApplicationFlags.NON_UNIQUE)
app.connect("activate", activate)
app.run([])
