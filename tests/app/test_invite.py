#!/usr/bin/env python3
"""Getting people in: the invitation is one press away, and opening one is enough."""

import re

from gi.repository import Gio, GLib

from stage import App, Stage, main, said, wait_for, whole
from sentences import ENCRYPTED, NOT_AN_INVITATION

LINK = re.compile(r"^chatroom://[^#]+#p=[\w-]{43}(&a=\S+)*$")
PRIVATE_LINK = re.compile(r"^chatroom://[^#]+#p=[\w-]{43}&k=[a-z2-7]{16}(&a=\S+)*$")
APP_ID = "io.github.chatroom.Chatroom"


class Invite(Stage):
    def has_copied(self, app, text):
        app.composer().focus()
        self.desktop.press("ctrl+v")
        wait_for(f"“{text}” to be pasted", lambda: app.composer().text() == text)
        self.desktop.press("ctrl+a", "BackSpace")

    def address_field(self, app):
        return app.window.find("text", re.compile("^Address"))

    def test_the_link_is_one_press_away_and_is_copied(self):
        ada = self.host("Ada").activate()
        ada.window.find("button", "Invite").press()
        link = ada.window.find("label", LINK).text()
        ada.window.find("label", whole(ENCRYPTED))
        self.picture_of("invite")
        ada.window.find("button", "Copy Link").press()
        ada.window.find("button", "Link Copied")
        self.desktop.press("Escape")
        self.has_copied(ada, link)

    def test_the_card_of_the_room_leads_to_the_invitation(self):
        ada = self.host("Ada")
        card = ada.window.find("log", "Messages")
        card.find("button", "Invite…").press()
        ada.window.find("button", "Copy Link")

    def test_a_guest_invites_with_the_way_in_that_they_had(self):
        ada = self.host("Ada")
        link = ada.invitation()
        self.assertRegex(link, LINK)
        ben = self.app("Ben", link, at=800)
        ben.comes_in()
        self.assertEqual(ben.invitation(), link)
        # Also a guest who only had the address knows now whom they have met.
        eve = self.join("Eve", ada.port)
        pin = re.search("p=[^&]*", link)[0]
        self.assertEqual(eve.invitation(), f"chatroom://localhost:{ada.port}#{pin}")

    def test_addresses_and_the_key_can_be_copied_one_by_one(self):
        self.set("host-private", "true")
        ada = self.host("Ada")
        address, key = re.search("//([^#]*)#.*k=([a-z2-7]{16})", ada.invitation()).groups()
        grouped = "-".join(key[at:at + 4] for at in range(0, 16, 4))
        for button, text in ((f"Copy {address}", address), ("Copy Key", grouped)):
            ada.opens_invitation()
            ada.window.find("list item", "Address and Key").click()
            ada.window.find("label", text)
            self.picture_of("invite-private")
            with self.desktop.bus.listen(ada.window) as announced:
                ada.window.find("button", button).press()
                wait_for("the announcement", lambda: "Copied" in announced())
            self.desktop.press("Escape")
            self.has_copied(ada, text)

    def test_everything_in_the_dialog_has_a_name(self):
        self.set("host-private", "true")
        ada = self.host("Ada")
        ada.opens_invitation()
        nameless = [role for _, node, role, name, text in ada.window.look()
                    if role not in ("scroll pane", "panel", "list") and node.has("focusable")
                    and not (name or text).strip()]
        self.assertEqual(nameless, [], ada.window.tree())

    def test_a_new_invitation_replaces_the_old_one_and_who_is_in_stays(self):
        self.set("host-private", "true")
        ada = self.host("Ada")
        old = ada.invitation()
        ben = self.app("Ben", old, at=800)
        ben.comes_in()
        label = ada.opens_invitation()
        ada.window.find("button", "New Invitation…").press()
        ada.window.find("label", re.compile("will no longer let anyone in"))
        self.picture_of("new-invitation")
        ada.window.find("button", "New Invitation").press()
        new = wait_for("another link", lambda: label.text() != old and label.text())
        self.assertRegex(new, PRIVATE_LINK)
        ada.tells("The room has a new invitation")
        self.desktop.press("Escape")
        ben.say("still here")
        ada.sees(said("Ben", "still here"))
        kim = self.app("Kim", old, at=800)
        kim.window.find("text", "Key of the Room")
        kim.process.terminate()
        eve = self.app("Eve", new, at=800)
        eve.comes_in()

    def test_a_pasted_link_is_the_way_in(self):
        self.set("host-private", "true")
        ada = self.host("Ada")
        ben = self.app("Ben", at=800).activate()
        ben.window.find("button", "Join a Room").press()
        link = ada.invitation()
        self.address_field(ben).write(link)
        ben.window.find("label", "To a private room")
        self.picture_of("pasted-link")
        # The key is nowhere to be seen.
        self.assertNotIn(re.search("k=([^&]*)", link)[1], ben.window.tree())
        ben.window.find("button", "Join").press()
        ben.comes_in()

    def test_the_invitation_counts_for_its_address_only(self):
        self.set("host-private", "true")
        ada = self.host("Ada")
        key = re.search("k=[a-z2-7]{16}", ada.invitation())[0]
        ben = self.app("Ben", at=800).activate()
        ben.window.find("button", "Join a Room").press()
        self.address_field(ben).write(f"chatroom://192.0.2.1:{ada.port}#{key}")
        ben.window.find("label", "To a private room")
        self.address_field(ben).write("localhost")
        wait_for("the invitation to go", lambda: not ben.window.all("label", "To a private room"))
        # The key, which would be the right one, does not count there either.
        ben.window.find("button", "Join").press()
        ben.window.find("text", "Key of the Room")

    def test_a_broken_link_is_told_and_stays_to_be_mended(self):
        app = self.app("Ben").activate()
        app.window.find("button", "Join a Room").press()
        broken = "chatroom://192.0.2.1:4000#k=abcdefgh"
        address = self.address_field(app)
        address.write(broken)
        app.window.find("label", NOT_AN_INVITATION)
        self.assertEqual(address.text(), broken)
        self.assertFalse(app.window.find("button", "Join").has("sensitive"))

    def open(self, *links):
        """Opens links as the desktop does, over the session bus."""
        bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        bus.call_sync(APP_ID, "/" + APP_ID.replace(".", "/"), "org.freedesktop.Application", "Open",
                      GLib.Variant("(asa{sv})", (list(links), {})), None, 0, 30_000, None)

    def windows(self, app, count):
        return wait_for(f"{count} windows", lambda: len(
            self.desktop.windows(app.process.pid)) == count
            and self.desktop.windows(app.process.pid))

    def test_the_desktop_opens_a_link_and_another_one_while_that_is_open(self):
        self.set("host-private", "true")
        ada = self.host("Ada")
        link = ada.invitation()
        ben = self.app("Ben", link, apart=False, at=800)
        ben.comes_in()
        server = self.server("--stay-open")
        self.open(f"chatroom://127.0.0.1:{server.port}")
        second = self.windows(ben, 2)[1]
        second.find("log", "Messages")
        # The first room is untouched.
        ada.shows_members("Ada", "Ben")

    def test_a_broken_link_that_the_desktop_opens_is_told(self):
        ben = self.app("Ben", apart=False)
        ben.is_home()
        self.open("chatroom://192.0.2.1:4000#k=abcdefgh")
        self.windows(ben, 2)[1].find("label", NOT_AN_INVITATION)

    def test_who_opens_a_link_first_of_all_is_asked_for_a_name(self):
        server = self.server("--stay-open")
        self.set("name", "''")
        app = App(self, f"chatroom://127.0.0.1:{server.port}").activate()
        name = app.window.find("text", "Your Name")
        wait_for("the focus on the name", lambda: name.has("focused"))
        self.picture_of("name-first")
        self.desktop.press("ctrl+a", "BackSpace")
        self.desktop.type("Mia")
        self.desktop.press("Return")
        app.comes_in()
        app.shows_members("Mia")


if __name__ == "__main__":
    main()
