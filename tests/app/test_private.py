#!/usr/bin/env python3
"""Private rooms: who gets in, with what, and where the key is kept."""

import re
import stat

from stage import Stage, main, said, wait_for
from sentences import KEY_NEEDED, KEY_WRONG, NOT_A_KEY

ONLY_INVITED = "Only With an Invitation"


def key_of(link):
    return re.search("k=([a-z2-7]{16})", link)[1]


class Private(Stage):
    def private(self, name="Ada"):
        self.set("host-private", "true")
        return self.host(name)

    def at_the_key(self, port):
        """Someone who only has the address, at the field for the key."""
        ben = self.app("Ben", f"localhost:{port}", at=800).activate()
        key = ben.window.find("text", "Key of the Room")
        wait_for("the focus on the key", lambda: key.has("focused"))
        return ben, key

    def test_the_choice_is_remembered(self):
        ada = self.app("Ada")
        switch = ada.activate().window.find("check box", ONLY_INVITED)
        self.assertFalse(switch.has("checked"))
        switch.click()
        wait_for("the switch", lambda: switch.has("checked"))
        ada.window.find("button", "Close").press()
        ada.has_ended()
        ada = self.app("Ada")
        self.assertTrue(ada.window.find("check box", ONLY_INVITED).has("checked"))

    def test_an_address_alone_asks_for_the_key_and_takes_it_as_it_is_told(self):
        ada = self.private()
        key = key_of(ada.invitation())
        ben, field = self.at_the_key(ada.port)
        ben.window.find("label", KEY_NEEDED)
        self.picture_of("key-needed")
        told = f" {key[:4].upper()} {key[4:8]}-{key[8:]} "
        field.write(told)
        grouped = "-".join(key[at:at + 4] for at in range(0, 16, 4))
        wait_for("the key in groups", lambda: field.text() == grouped)
        ben.activate()
        ben.window.find("button", "Join").press()
        ben.comes_in()
        ben.say("hello")
        ada.sees(said("Ben", "hello"))

    def test_a_wrong_key_is_told_and_can_be_mended(self):
        ada = self.private()
        key = key_of(ada.invitation())
        ben, field = self.at_the_key(ada.port)
        field.write("aaaa-aaaa-aaaa-aaaa")
        self.desktop.press("Return")
        ben.window.find("label", KEY_WRONG)
        field = ben.window.find("text", "Key of the Room")
        wait_for("the focus on the key", lambda: field.has("focused"))
        field.write(key)
        ben.window.find("button", "Join").press()
        ben.comes_in()

    def test_what_is_no_key_is_told_while_it_is_typed(self):
        ada = self.private()
        ben, field = self.at_the_key(ada.port)
        # The beginning of one is no mistake yet.
        field.write("abcd-ef")
        wait_for("the sentence to go", lambda: not ben.window.all("label", KEY_NEEDED))
        self.assertEqual(ben.window.all("label", NOT_A_KEY), [])
        self.assertFalse(ben.window.find("button", "Join").has("sensitive"))
        field.write("abcd-ef!")
        ben.window.find("label", NOT_A_KEY)
        self.assertTrue(field.has("invalid_entry"))

    def test_a_link_in_the_field_for_the_key_is_understood(self):
        ada = self.private()
        link = ada.invitation()
        ben, field = self.at_the_key(ada.port)
        field.write(link)
        ben.window.find("label", "To a private room")
        ben.window.find("button", "Join").press()
        ben.comes_in()

    def test_who_was_in_gets_in_again_with_the_address(self):
        ada = self.private()
        link = ada.invitation()
        host = re.search("//(.*?):", link)[1]
        ben = self.app("Ben", link, at=800)
        ben.comes_in()
        ben.window.find("button", "Leave").press()
        ben.window.find("button", "Join a Room").press()
        address = ben.window.find("text", re.compile("^Address"))
        self.assertEqual(address.text(), host)
        ben.window.find("button", "Join").press()
        ben.comes_in()

    def test_who_was_in_gets_in_again_in_another_run(self):
        ada = self.private()
        link = ada.invitation()
        ben = self.app("Ben", link, at=800)
        ben.comes_in()
        rooms = ben.state / "chatroom/rooms.json"
        wait_for("the key on the disk", lambda: rooms.exists() and key_of(link) in rooms.read_text())
        ben.process.kill()
        ben.process.wait()
        ben = self.app("Ben", at=800)
        ben.activate()
        ben.window.find("list item", re.compile("^Return to")).click()
        ben.comes_in()
        ada.shows_members("Ada", "Ben")
        # Who left has no session to come back to: there the key is needed.
        ben.window.find("button", "Leave").press()
        ben.is_home()
        ben.window.find("button", "Close").press()
        ben.has_ended()
        ben = self.app("Ben", at=800)
        ben.window.find("button", "Join a Room").press()
        ben.window.find("button", "Join").press()
        ben.comes_in()

    def test_the_key_is_in_one_file_of_its_owner_and_in_no_other(self):
        ada = self.private()
        link = ada.invitation()
        key = key_of(link)
        ben, field = self.at_the_key(ada.port)
        field.write(key)
        ben.window.find("button", "Join").press()
        ben.comes_in()
        ben.window.find("button", "Leave").press()
        ben.is_home()
        rooms = ben.state / "chatroom/rooms.json"
        wait_for("the key on the disk", lambda: rooms.exists() and key in rooms.read_text())
        self.assertEqual(stat.S_IMODE(rooms.stat().st_mode), 0o600)
        for path in self.desktop.folder.rglob("*"):
            if path.is_file() and path != rooms and key.encode() in path.read_bytes():
                self.fail(f"{path} has the key")
        for app in (ada, ben):
            self.assertNotIn(key, app.words())

    def test_the_card_says_that_an_invitation_is_needed(self):
        ada = self.private()
        ada.window.find("label", "The room is open. Others can join with an invitation")


if __name__ == "__main__":
    main()
