#!/usr/bin/env python3
"""The end of the desktop session: who hosts a room with something to lose is told before it."""

from gi.repository import Gio, GLib

from stage import Stage, main, said, wait_for
from sentences import ROOM_IS_OPEN

PORTAL = Gio.DBusNodeInfo.new_for_xml("""
<node>
  <interface name="org.freedesktop.portal.Inhibit">
    <method name="Inhibit">
      <arg type="s" direction="in"/><arg type="u" direction="in"/>
      <arg type="a{sv}" direction="in"/><arg type="o" direction="out"/>
    </method>
  </interface>
  <interface name="org.freedesktop.portal.Request"><method name="Close"/></interface>
</node>""").interfaces
LOG_OUT = 1


class Portal:
    """The part of the desktop's portal that is asked not to end the session."""

    def __init__(self, stage):
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        # What holds, by its path: flags and reason.
        self.requests = {}
        self.asked = 0
        self.register("/org/freedesktop/portal/desktop", PORTAL[0])
        name = Gio.bus_own_name_on_connection(self.bus, "org.freedesktop.portal.Desktop",
                                              Gio.BusNameOwnerFlags.NONE, None, None)
        stage.addCleanup(Gio.bus_unown_name, name)
        wait_for("the name of the portal", lambda: self.bus.call_sync(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
            "NameHasOwner", GLib.Variant("(s)", ("org.freedesktop.portal.Desktop",)),
            None, 0, -1, None).unpack()[0])

    def register(self, path, interface):
        self.bus.register_object(path, interface, self.answer, None, None)

    def answer(self, _bus, _sender, path, _interface, method, arguments, call):
        if method == "Inhibit":
            _window, flags, options = arguments.unpack()
            self.asked += 1
            path = f"/org/freedesktop/portal/desktop/request/{self.asked}"
            self.requests[path] = flags, options["reason"]
            self.register(path, PORTAL[1])
            call.return_value(GLib.Variant("(o)", (path,)))
        else:
            del self.requests[path]
            call.return_value(None)

    def holds(self):
        """What is asked of it now."""
        while GLib.MainContext.default().iteration(False):
            pass
        return list(self.requests.values())


class Session(Stage):
    def test_the_session_does_not_end_unasked_while_a_room_would_be_lost(self):
        portal = Portal(self)
        self.set("host-port", "uint16 0")
        ada = self.app("Ada", apart=False)
        ada.window.find("button", "Host a Room").press()
        ada.comes_in()
        port = int(ada.addresses()[0].rpartition(":")[2])
        # Nobody is there, and nothing was said.
        self.assertEqual(portal.holds(), [])
        kim = self.guest("Kim", port)
        wait_for("the request", lambda: portal.holds() == [(LOG_OUT, ROOM_IS_OPEN)])
        kim.leave()
        wait_for("the request to go", lambda: portal.holds() == [])
        ada.say("remember this")
        ada.sees(said("You", "remember this"))
        wait_for("the request", lambda: portal.holds() == [(LOG_OUT, ROOM_IS_OPEN)])
        self.assertEqual(portal.asked, 2)
        ada.window.find("button", "Leave").press()
        ada.window.find("button", "Close Room").press()
        ada.is_home()
        wait_for("the request to go", lambda: portal.holds() == [])

    def test_where_there_is_no_portal_nothing_is_different(self):
        ada = self.app("Ada", apart=False)
        ada.window.find("button", "Host a Room").press()
        ada.comes_in()
        ada.say("remember this")
        ada.sees(said("You", "remember this"))
        self.guest("Kim", int(ada.addresses()[0].rpartition(":")[2]))
        ada.shows_members("Ada", "Kim")


if __name__ == "__main__":
    main()
