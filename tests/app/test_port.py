#!/usr/bin/env python3
"""The port that rooms are hosted on: who else has it, and the default one."""

import socket

from stage import ADDRESS, BESIDE, Stage, free_port, main, said
from sentences import port_taken, room_open

DEFAULT_PORT = 53000


class Port(Stage):
    def host_on(self, port, at=0):
        """Home, where hosting on this port was asked for."""
        self.set("host-port", f"uint16 {port}")
        app = self.app("Ben", at=at)
        app.window.find("button", "Host a Room").press()
        return app

    def test_a_port_that_a_room_has_is_said_and_the_room_offered(self):
        ada = self.host("Ada")
        ben = self.host_on(ada.port, at=BESIDE)
        ben.shows_banner(room_open(ada.port))
        ben.is_home()
        ben.window.find("button", "Join It").press()
        ben.comes_in()
        ada.shows_members("Ada", "Ben")

    def hosts_on_another_port(self, app, port):
        """Takes the way out; the address that others need tells the port."""
        app.window.find("button", "Use Another Port").press()
        app.comes_in()
        ports = {ADDRESS.match(address)[2] for address in app.addresses()}
        self.assertEqual(len(ports), 1)
        self.assertNotEqual(ports, {str(port)})
        return int(ports.pop())

    def test_beside_a_room_of_another_user_there_is_another_port(self):
        ada = self.host("Ada")
        ben = self.host_on(ada.port, at=BESIDE)
        ben.shows_banner(room_open(ada.port))
        other = self.hosts_on_another_port(ben, ada.port)
        self.guest("Kim", other)
        ben.shows_members("Ben", "Kim")
        ada.shows_members("Ada")

    def test_a_second_room_that_saves_messages_has_a_store_of_its_own(self):
        self.set("host-keeps", "true")
        port = free_port()
        ada = self.host("Ada", port)
        ben = self.host_on(port, at=BESIDE)
        ben.shows_banner(room_open(port))
        self.hosts_on_another_port(ben, port)
        ben.say("here")
        ben.sees(said("You", "here"))
        ada.say("and here")
        ada.sees(said("You", "and here"))

    def test_a_port_that_another_program_has_is_said_and_another_one_offered(self):
        with socket.create_server(("", 0)) as server:
            port = server.getsockname()[1]
            ben = self.host_on(port)
            ben.shows_banner(port_taken(port))
            self.assertEqual(ben.window.all("button", "Join It"), [])
            self.hosts_on_another_port(ben, port)
            ben.window.find("button", "Leave").press()
            ben.is_home()
            ben.window.find("button", "Host a Room").press()
            ben.window.find("button", "Cancel").press()
            ben.is_home()
        # It is free now.
        ben.window.find("button", "Host a Room").press()
        ben.comes_in()

    def test_the_default_port_is_53000(self):
        for family in (socket.AF_INET, socket.AF_INET6):
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("", DEFAULT_PORT))
                except OSError as error:
                    self.skipTest(f"port {DEFAULT_PORT} of this computer is taken: {error}")
        ada = self.host("Ada", DEFAULT_PORT)
        self.assertTrue(all(ADDRESS.match(address)[2] == "53000" for address in ada.addresses()))
        # Empty fields mean the room on this computer.
        ben = self.app("Ben", at=BESIDE)
        ben.window.find("button", "Join a Room").press()
        ben.window.find("button", "Join").press()
        ben.comes_in()
        ada.shows_members("Ada", "Ben")


if __name__ == "__main__":
    main()
