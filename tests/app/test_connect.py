#!/usr/bin/env python3
"""What goes wrong on the way into a room is said where it was typed, and nothing typed is lost."""

import re
import socket
import threading

from stage import Stage, free_port, main, wait_for
from sentences import (FULL, NOT_A_HOST, NOT_A_LINK, NOT_A_PORT, joining, no_room, no_such_host,
                       not_a_room)


class Connect(Stage):
    def page(self):
        """The connect page; its address and its port."""
        app = self.app("Ben").activate()
        app.window.find("button", "Join a Room").press()
        address = app.window.find("text", re.compile("^Address"))
        wait_for("the focus on the address", lambda: address.has("focused"))
        return app, address, app.window.find("text", re.compile("^Port"))

    def type(self, node, text):
        """Types into a field, in place of what is there."""
        if not node.has("focused"):
            node.focus()
        self.desktop.press("ctrl+a", "BackSpace")
        self.desktop.type(text)
        wait_for(f"“{text}”", lambda: node.text() == text)

    def fails(self, host, port, sentence):
        """Joining fails with a sentence on the page, and what was typed is still there."""
        app, address, port_field = self.page()
        self.type(address, host)
        self.type(port_field, str(port))
        self.desktop.press("Return")
        app.window.find("label", sentence)
        self.assertEqual((address.text(), port_field.text()), (host, str(port)))
        self.assertTrue(app.window.find("button", "Join").has("sensitive"))
        return app, address, port_field

    def listen(self, answer):
        """A server that is no room: it gives each connection to `answer`."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        taken = []

        def serve():
            try:
                while True:
                    taken.append(server.accept()[0])
                    answer(taken[-1])
            except OSError:
                for connection in taken:
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        self.addCleanup(server.shutdown, socket.SHUT_RDWR)
        return server.getsockname()[1]

    def test_nobody_hosts_there(self):
        port = free_port()
        app, _, port_field = self.fails("localhost", port, no_room(f"localhost:{port}"))
        # What is mended is enough to try again.
        server = self.server()
        self.type(port_field, str(server.port))
        self.desktop.press("Return")
        app.comes_in()

    def test_no_such_computer(self):
        self.fails("nobody.invalid", 4000, no_such_host("nobody.invalid"))

    def test_something_else_answers(self):
        port = self.listen(lambda connection: connection.sendall(b"SSH-2.0-Server\r\n"))
        self.fails("localhost", port, not_a_room(f"localhost:{port}"))

    def test_something_else_hangs_up(self):
        port = self.listen(lambda connection: connection.close())
        self.fails("localhost", port, re.compile("^(Another program answers at|The connection)"))

    def test_a_full_room(self):
        server = self.server("--max-members", "1")
        self.guest("Kim", server.port)
        self.fails("localhost", server.port, FULL)

    def test_a_wrong_address_is_told_while_it_is_typed(self):
        app, address, _ = self.page()
        self.type(address, "not a name")
        app.window.find("label", NOT_A_HOST)
        self.assertFalse(app.window.find("button", "Join").has("sensitive"))
        self.assertTrue(address.has("invalid_entry"))
        self.desktop.press("Return")
        self.assertEqual(address.text(), "not a name")
        self.type(address, "name")
        wait_for("the sentence to go", lambda: not app.window.all("label", NOT_A_HOST))
        self.assertTrue(app.window.find("button", "Join").has("sensitive"))

    def test_a_wrong_port_is_told_while_it_is_typed(self):
        app, _, port = self.page()
        for wrong in ("x", "0", "65536", "-1"):
            self.type(port, wrong)
            app.window.find("label", NOT_A_PORT)
            self.assertFalse(app.window.find("button", "Join").has("sensitive"))
        self.assertTrue(port.has("invalid_entry"))
        self.type(port, "65535")
        wait_for("the sentence to go", lambda: not app.window.all("label", NOT_A_PORT))
        self.assertTrue(app.window.find("button", "Join").has("sensitive"))

    def test_a_link_of_another_kind_is_told(self):
        app, address, _ = self.page()
        self.type(address, "http://localhost")
        app.window.find("label", NOT_A_LINK)

    def test_a_link_that_is_pasted_fills_both_fields(self):
        server = self.server()
        app, address, port = self.page()
        address.write(f"chatroom://127.0.0.1:{server.port}")
        wait_for("both fields", lambda: (address.text(), port.text())
                 == ("127.0.0.1", str(server.port)))
        self.desktop.press("Return")
        app.comes_in()

    def test_a_link_on_the_command_line_goes_into_the_room(self):
        server = self.server()
        app = self.app("Ben", f"chatroom://127.0.0.1:{server.port}")
        app.comes_in()
        app.shows_members("Ben")

    def test_joining_can_be_cancelled(self):
        port = self.listen(lambda connection: None)
        app, address, port_field = self.page()
        self.type(address, "localhost")
        self.type(port_field, str(port))
        self.desktop.press("Return")
        app.window.find("label", joining(f"localhost:{port}"))
        cancel = app.window.find("button", "Cancel")
        wait_for("the focus on Cancel", lambda: cancel.has("focused"))
        cancel.press()
        app.window.find("button", "Join")
        self.assertEqual((address.text(), port_field.text()), ("localhost", str(port)))
        wait_for("the focus on the address", lambda: address.has("focused"))

    def test_the_room_that_was_joined_last_is_offered(self):
        server = self.server("--stay-open")
        app, address, port = self.page()
        self.type(address, "localhost")
        self.type(port, str(server.port))
        self.desktop.press("Return")
        app.comes_in()
        app.window.find("button", "Leave").press()
        app.window.find("button", "Join a Room").press()
        address = app.window.find("text", re.compile("^Address"))
        port = app.window.find("text", re.compile("^Port"))
        self.assertEqual((address.text(), port.text()), ("localhost", str(server.port)))


if __name__ == "__main__":
    main()
