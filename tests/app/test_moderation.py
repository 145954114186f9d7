#!/usr/bin/env python3
"""What a host does about someone who disturbs, and what the others see of it."""

import re

from stage import Stage, main, said, wait_for, whole, xdotool
from sentences import NOT_SENT_MUTED, REMOVED, SLOW_MODE, kept_out, muted

ERASED = re.compile(r"^(\w+): message erased, \d\d:\d\d$")
# The items of the menu of a member, and those of its submenu.
MUTE, MAKE_HOST, REMOVE = 1, 2, 3


class Moderation(Stage):
    def room(self, private=False, by_link=True):
        self.set("host-private", str(private).lower())
        ada = self.host("Ada")
        link = ada.invitation()
        ben = self.app("Ben", link if by_link else f"localhost:{ada.port}", at=800)
        ben.comes_in()
        ada.shows_members("Ada", "Ben")
        return ada, ben, link

    def member(self, app, name):
        members = app.window.find("list", "Members")
        return members.find("list item", name)

    def roles(self, app, *names):
        return [self.member(app, name).description() for name in names]

    def opens_menu(self, app, name):
        app.activate()
        self.member(app, name).find("button", f"Actions for {name}").click()
        wait_for("the menu", lambda: app.window.all("menu item"))

    def mutes(self, app, name, number):
        """Chooses from the submenu for muting: 1 to 3 mute, 4 lifts it."""
        self.opens_menu(app, name)
        # With the keyboard, as the items of a submenu slide in.
        self.desktop.press("Home", "Return")
        wait_for("the submenu", lambda: len(app.window.all("menu item")) >= 4)
        # The first item leads back.
        self.desktop.press(*["Down"] * number, "Return")

    def removes(self, app, name):
        self.opens_menu(app, name)
        app.chooses(REMOVE)
        app.window.find("button", "Remove")

    def picks(self, app, row, number):
        """Picks an item of a combo row."""
        self.tab_to(app, "combo box", row)
        self.desktop.press("Return")
        wait_for("the choices", lambda: app.window.all("list item", re.compile("^For"))
                 or len(app.window.all("list item")) > 4)
        self.desktop.press(*["Down"] * number, "Return")

    def test_who_is_removed_is_told_and_so_are_the_others(self):
        ada, ben, _ = self.room(by_link=False)
        kim = self.guest("Kim", ada.port)
        self.removes(ada, "Ben")
        self.picture_of("remove")
        ada.window.find("button", "Remove").press()
        ben.shows_banner(REMOVED)
        ada.sees("Ben was removed")
        ada.tells(re.compile("^Ben was removed. [12] other members? ha(s|ve) the same address.$"))
        ada.shows_members("Ada", "Kim")
        kim.hears("Ben")
        self.picture_of("removed")
        # They can come back, as nobody keeps them out.
        ben.window.find("button", "Leave").press()
        ben.window.find("button", "Join a Room").press()
        ben.window.find("button", "Join").press()
        ben.comes_in()

    def test_the_menu_of_a_member_opens_by_mouse_and_by_keys(self):
        ada, _, _ = self.room()
        x, y, width, height = self.member(ada, "Ben").area()
        xdotool("mousemove", "--window", ada.window.x11_id(), x + width // 2, y + height // 2,
                "click", 3)
        self.closes_menu(ada, 3)
        for keys in ("Menu", "shift+F10"):
            self.focuses_member(ada, "Ben")
            self.desktop.press(keys)
            self.closes_menu(ada, 3)
        # Of oneself there is none.
        self.focuses_member(ada, "Ada")
        self.desktop.press("Menu")
        self.assertEqual(ada.window.all("menu item"), [])

    def focuses_member(self, app, name):
        """Goes to the members with the keyboard."""
        app.activate().composer().focus()
        self.desktop.press("F6", "F6", "Home")
        for _ in range(5):
            if self.member(app, name).has("focused"):
                return
            self.desktop.press("Down")
            wait_for("the focus to move", lambda: app.window.find("list", "Members").all())
        self.fail(f"{name} cannot be reached: {self.focus(app)}")

    def closes_menu(self, app, items):
        wait_for(f"{items} items", lambda: len(app.window.all("menu item")) == items)
        self.desktop.press("Escape")
        wait_for("the menu to go", lambda: not app.window.all("menu item"))

    def test_a_guest_has_no_menu_for_members(self):
        _, ben, _ = self.room()
        self.assertEqual(ben.window.all("button", re.compile("^Actions for")), [])
        ben.activate()
        x, y, width, height = self.member(ben, "Ada").area()
        xdotool("mousemove", "--window", ben.window.x11_id(), x + width // 2, y + height // 2,
                "click", 3)
        self.focuses_member(ben, "Ada")
        self.desktop.press("Menu")
        self.assertEqual(ben.window.all("menu item"), [])

    def test_who_is_kept_out_is_told_for_how_long(self):
        ada, ben, link = self.room()
        address = re.search("//(.*):", link.split("#")[0])[1]
        if address.startswith("127."):
            self.skipTest("this computer has no network, and its own address is never kept out")
        self.removes(ada, "Ben")
        self.picks(ada, "Also Keep Them Out", 2)
        self.picture_of("remove-and-ban")
        ada.window.find("button", "Remove").press()
        ada.tells("Ben was removed, and kept out for 1 hour")
        ben.shows_banner(REMOVED)
        ben.window.find("button", "Leave").press()
        ben.window.find("button", "Join a Room").press()
        ben.window.find("button", "Join").press()
        # Of the hour some seconds are over, and on a slow machine a minute.
        ben.window.find("label", kept_out("(1 hour|59 minutes)"))
        self.picture_of("kept-out")

    def test_in_a_private_room_a_new_invitation_keeps_them_out(self):
        ada, ben, old = self.room(private=True)
        self.removes(ada, "Ben")
        self.tab_to(ada, "check box", "Make a New Invitation")
        self.desktop.press("space")
        self.picture_of("remove-private")
        ada.window.find("button", "Remove").press()
        ben.shows_banner(REMOVED)
        ada.tells("The room has a new invitation")
        new = wait_for("another invitation", lambda: (it := ada.invitation()) != old and it)
        ben.process.terminate()
        eve = self.app("Eve", old, at=800)
        eve.window.find("text", "Key of the Room")
        eve.process.terminate()
        self.app("Kim", new, at=800).comes_in()

    def test_who_is_muted_sees_why_and_until_when(self):
        ada, ben, _ = self.room()
        self.mutes(ada, "Ben", 1)
        ada.tells("Ben cannot send messages for 5 minutes")
        ben.say("can you hear me")
        ben.window.find("label", NOT_SENT_MUTED)
        # On a slow machine a minute is over.
        ben.window.find("label", muted("[45] minutes"))
        self.picture_of("muted")
        self.mutes(ada, "Ben", 4)
        ada.tells("Ben can send messages again")
        wait_for("the sentence to go", lambda: not ben.window.all("label", muted(".*")))
        ben.window.find("button", "Send Again").press()
        ada.sees(said("Ben", "can you hear me"))

    def test_a_name_is_shown_as_it_is_written(self):
        ada = self.host("Ada")
        self.guest("A & <b>C", ada.port)
        ada.sees("A & <b>C joined")
        self.mutes(ada, "A & <b>C", 1)
        ada.tells("A & <b>C cannot send messages for 5 minutes")

    def test_the_role_of_the_host_is_handed_over(self):
        ada, ben, _ = self.room()
        self.opens_menu(ada, "Ben")
        ada.chooses(MAKE_HOST)
        ada.window.find("label", re.compile("The room still closes when you leave"))
        self.picture_of("make-host")
        ada.window.find("button", "Make Host").press()
        ada.sees("Ben hosts the room now")
        ben.sees("You host the room now")
        self.assertEqual(self.roles(ben, "Ada", "Ben"), ["", "You, the host"])
        self.assertEqual(self.roles(ada, "Ada", "Ben"), ["You", "Host"])
        wait_for("the menu to go", lambda: not ada.window.all(
            "button", re.compile("^Actions for")))
        ben.window.find("button", "Actions for Ada")
        self.picture_of("handed-over")

    def menu_of_message(self, app, row, lines=0):
        """Opens the menu of a message with the keyboard: so many lines above the newest."""
        app.activate().composer().focus()
        self.desktop.press("F6", *["Up"] * lines)
        wait_for("the focus on the message", lambda: row.has("focused"))
        self.desktop.press("Menu")
        items = wait_for("a menu", lambda: app.window.all("menu item"))
        # It shows all of them.
        _, top, _, height = app.window.all("scroll pane")[-1].area()
        _, last, _, its_height = items[-1].area()
        self.assertLessEqual(last + its_height, top + height)
        return items

    def erases(self, app, row, number):
        self.menu_of_message(app, row)
        app.chooses(number)
        app.window.find("button", "Erase").press()

    def test_one_s_own_message_can_be_erased(self):
        ada, ben, _ = self.room()
        ben.say("not so nice")
        ada.sees(said("Ben", "not so nice"))
        row = ben.sees(said("You", "not so nice"))
        # Copy, select all, erase.
        self.menu_of_message(ben, row)
        ben.chooses(3, of=3)
        ben.window.find("button", "Erase")
        self.picture_of("erase")
        ben.window.find("button", "Erase").press()
        for app in (ada, ben):
            app.sees(ERASED)
            self.assertEqual(app.window.all(None, whole("not so nice")), [])
        self.picture_of("erased")

    def test_a_guest_cannot_erase_what_others_say(self):
        ada, ben, _ = self.room()
        ada.say("hello")
        row = ben.sees(said("Ada", "hello"))
        self.assertEqual(len(self.menu_of_message(ben, row)), 2)

    def test_the_host_erases_and_removes_from_the_message(self):
        ada, ben, _ = self.room()
        ben.say("first", "line")
        ben.say("second")
        row = ada.sees(said("Ben", "second"))
        # Copy, select all, erase, remove.
        self.assertEqual(len(self.menu_of_message(ada, row)), 4)
        self.picture_of("message-menu")
        ada.chooses(3)
        ada.window.find("button", "Erase").press()
        ben.sees(re.compile("^You: message erased"))
        # Who comes later sees the same.
        eve = self.join("Eve", ada.port)
        eve.sees(ERASED)
        self.assertEqual(eve.window.all(None, whole("second")), [])
        # Of an erased message only its sender is left.
        row = ada.sees(ERASED)
        self.assertEqual(len(self.menu_of_message(ada, row, 1)), 1)
        ada.chooses(1)
        ada.window.find("button", "Remove").press()
        ben.shows_banner(REMOVED)

    def test_slow_mode_is_set_in_the_menu_and_told_to_all(self):
        ada, ben, _ = self.room()
        ada.activate()
        self.desktop.press("F10")
        wait_for("the menu", lambda: ada.window.all("menu item"))
        # Below the invitation.
        self.desktop.press("Down", "Return")
        wait_for("the submenu", lambda: len(ada.window.all("menu item")) >= 5)
        self.picture_of("slow-mode")
        # The first item leads back, the next one is Off.
        self.desktop.press("Down", "Down", "Down", "Return")
        for app in (ada, ben):
            app.window.find("label", whole(SLOW_MODE))

    def test_a_guest_cannot_set_it(self):
        _, ben, _ = self.room()
        ben.activate()
        self.desktop.press("F10")
        items = wait_for("the menu", lambda: ben.window.all("menu item"))
        # The invitation, a new window, the shortcuts, and what is about the app.
        self.assertEqual(len(items), 4)


if __name__ == "__main__":
    main()
