#!/usr/bin/env python3
"""The port that rooms are hosted on: who else has it, and the default one."""

import socket

from sentences import port_taken, room_open
from stage import ADDRESS, BESIDE, Stage, main

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

    def test_a_port_that_another_program_has_is_said(self):
        with socket.create_server(("", 0)) as server:
            port = server.getsockname()[1]
            ben = self.host_on(port)
            ben.shows_banner(port_taken(port))
            self.assertEqual(ben.window.all("button", "Join It"), [])
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
