"""Tests of private rooms as a service: the invitation, keys and certificates from files and
credentials, and commands of the administrator."""

import json
import ssl

from machine import CERTIFICATE, CERTIFICATE_KEPT, CONFIG, FAILED, KEY_REPLACED, REMOVED, WARNED
from programs import wait_for
from stage import Stage
import sentences

SERVICE = "chatroom.service"
STATE = "/var/lib/chatroom"


def key_of(link):
    """The key in an invitation."""
    return link.split("k=")[1][:16]


class Private(Stage):

    def settings(self, text):
        self.machine.write(CONFIG, text)

    def invite(self, *options):
        return self.machine.run("chatroom", "--invite", *options).stdout.strip()

    def control(self, *command):
        return self.machine.run("chatroom", "--control", *command)

    def secret(self, path, text):
        """Writes a file that only root can read."""
        self.machine.write(path, text)
        self.machine.run("chmod", "600", path)

    def listener(self, link):
        """A listener that joins with this link."""
        self.secret("/run/link", link + "\n")
        # Each has its own: the one of before may still run.
        self.listeners = getattr(self, "listeners", 0) + 1
        pid = self.pid_file = f"/run/listener-{self.listeners}.pid"
        listener = self.machine.start(
            "sh", "-c", f"cd /; echo $$ >{pid}; exec chatroom --listen --link-file /run/link"
            " --name eve")
        self.addCleanup(listener.stdout.close)
        self.addCleanup(listener.wait)
        # It is the child of the program that was started.
        self.addCleanup(self.machine.run, "sh", "-c", f"kill $(cat {pid})", check=False)
        return listener

    def member(self, link):
        """A listener that has joined."""
        listener = self.listener(link)
        self.assertIn(sentences.WELCOME, listener.stdout.readline())
        self.assertIn(sentences.ENCRYPTED, listener.stdout.readline())
        return listener

    def pem(self, path):
        """Makes a certificate with its key, and returns the text of both."""
        self.machine.run("chatroom", "--server", "--bind", "127.0.0.9", "--port", "0",
                         "--idle-timeout", "1", "--identity", path)
        return self.machine.run("cat", path).stdout

    def shown(self):
        """The certificate that the server shows to programs other than Chatroom, as DER."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(self.machine.connect()) as connection:
            return connection.getpeercert(binary_form=True)

    @staticmethod
    def der(pem):
        return ssl.PEM_cert_to_DER_cert(pem[:pem.index("-----BEGIN PRIVATE")])

    def pid(self):
        return int(self.machine.show(SERVICE, "MainPID"))

    def test_the_invitation_of_a_service_is_for_the_administrator(self):
        machine = self.machine
        self.settings("private = true\n")
        machine.systemctl("start", SERVICE)
        link = self.invite()
        self.assertEqual(machine.run("cat", f"{STATE}/invitation").stdout, link + "\n")
        for file in ("invitation", "identity.pem"):
            mode = machine.run("stat", "--format=%a", f"{STATE}/{file}").stdout.strip()
            self.assertEqual(mode, "600", file)
        nobody = machine.run("setpriv", "--reuid=65534", "chatroom", "--invite", check=False)
        self.assertEqual((nobody.returncode, nobody.stdout), (1, ""))
        self.assertIn(sentences.ASK_AS_ADMINISTRATOR, nobody.stderr)
        eve = self.member(link)
        # A restart keeps the key and the identity.
        machine.systemctl("restart", SERVICE)
        self.assertEqual(self.invite(), link)
        self.assertTrue(any(sentences.YOU_ARE_BACK in line for line in eve.stdout))
        new = self.invite("--new")
        self.assertNotEqual(key_of(new), key_of(link))
        wait_for("the file to follow", lambda: machine.run(
            "cat", f"{STATE}/invitation").stdout == new + "\n")
        self.assertEqual(len(self.journal(f"MESSAGE_ID={KEY_REPLACED}")), 1)
        old = self.listener(link)
        self.assertEqual((old.communicate()[0], old.returncode), ("", 1))

    def test_a_command_of_the_administrator_is_done_and_told(self):
        machine = self.machine
        machine.systemctl("start", SERVICE)
        eve = self.member(self.invite())
        self.assertIn("eve", self.control("kick", "eve", "ban", "10m").stdout)
        eve.communicate()
        removed, = self.journal(f"MESSAGE_ID={REMOVED}")
        self.assertEqual((removed["CHATROOM_NAME"], removed["CHATROOM_MEMBERS"]), ("eve", "0"))
        self.assertNotIn("CHATROOM_BY", removed)
        # It holds over a restart.
        machine.systemctl("restart", SERVICE)
        bans = json.loads(self.control("bans", "--json").stdout)
        self.assertEqual([ban["name"] for ban in bans["bans"]], ["eve"])
        self.assertIn("1 bans", machine.run("chatroom", "--status").stdout)
        self.control("unban eve")
        failed = machine.run("chatroom", "--control", "kick", "eve", check=False)
        self.assertEqual((failed.returncode, failed.stdout), (1, ""))
        wrong = machine.run("chatroom", "--control", "kik", check=False)
        self.assertEqual(wrong.returncode, 2)

    def test_no_key_is_where_others_could_read_it(self):
        machine = self.machine
        self.settings("private = true\n")
        machine.systemctl("start", SERVICE)
        links = [self.invite(), self.invite("--host"), self.invite("--new")]
        eve = self.member(links[2])
        pids = [self.pid(), int(machine.run("cat", self.pid_file).stdout)]
        seen = [machine.run("cat", f"/proc/{pid}/{file}").stdout
                for pid in pids for file in ("cmdline", "environ")]
        self.assertIn("--link-file", seen[2])
        machine.nc("ben", "hello")
        self.control("kick eve")
        eve.communicate()
        seen += [machine.run("chatroom", "--status").stdout,
                 machine.run("chatroom", "--status", "--json").stdout,
                 machine.systemctl("status", SERVICE, "--no-pager").stdout,
                 machine.systemctl("show", SERVICE).stdout]
        machine.systemctl("stop", SERVICE)
        seen.append(json.dumps(self.journal()))
        keys = [key_of(links[0]), key_of(links[2]), links[1].split("h=")[1][:16]]
        self.assertEqual(len(set(keys)), 3)
        for key in keys:
            self.assertEqual(len(key), 16)
            self.assertFalse(any(key in text for text in seen), "a key was found")

    def test_a_renewed_certificate_is_taken_while_everyone_stays(self):
        machine = self.machine
        first, second = self.pem("/run/first.pem"), self.pem("/run/second.pem")
        machine.systemctl("start", SERVICE)
        folder = f"{STATE}/tls"

        def put(pem):
            machine.run("mkdir", "-p", folder)
            self.secret(f"{folder}/both.pem", pem)
            machine.run("chown", "-R", f"--reference={STATE}/.", folder)

        def told(kind, count):
            wait_for("the journal to tell it",
                     lambda: len(self.journal(f"MESSAGE_ID={kind}")) == count)

        put(first)
        self.settings(f'tls-cert = "{folder}/both.pem"\ntls-key = "{folder}/both.pem"\n')
        ada, pid = machine.member("ada"), self.pid()
        eve = self.member(self.invite())
        own = self.shown()
        machine.systemctl("reload", SERVICE)
        told(CERTIFICATE, 1)
        self.assertEqual(self.shown(), self.der(first))
        self.assertNotEqual(own, self.der(first))
        put(second)
        machine.systemctl("reload", SERVICE)
        told(CERTIFICATE, 2)
        self.assertEqual(self.shown(), self.der(second))
        # The key of another certificate: the old one stays.
        begin = "-----BEGIN PRIVATE"
        put(second[:second.index(begin)] + first[first.index(begin):])
        machine.systemctl("reload", SERVICE)
        told(CERTIFICATE_KEPT, 1)
        self.assertEqual(self.shown(), self.der(second))
        entry, = self.journal(f"MESSAGE_ID={CERTIFICATE_KEPT}")
        self.assertIn(f"{folder}/both.pem", entry["CHATROOM_REASON"])
        self.assertEqual((self.pid(), machine.show(SERVICE, "SubState")), (pid, "running"))
        ada.say("still here")
        self.assertTrue(any(line == "ada: still here\n" for line in eve.stdout))
        self.assertEqual(self.journal(f"MESSAGE_ID={WARNED}"), [])

    def test_credentials_bring_the_certificate_and_the_key(self):
        machine = self.machine
        pem = self.pem("/run/first.pem")
        self.settings("private = true\n")
        self.secret("/etc/credstore/chatroom.tls", pem)
        self.secret("/etc/credstore/chatroom.key", "abcd-efgh-ijkl-mnop\n")
        machine.run("chmod", "-R", "go=", "/etc/credstore")
        machine.systemctl("start", SERVICE)
        self.assertEqual(self.shown(), self.der(pem))
        self.assertEqual(key_of(self.invite()), "abcdefghijklmnop")
        fixed = machine.run("chatroom", "--invite", "--new", check=False)
        self.assertEqual((fixed.returncode, fixed.stdout), (1, ""))
        self.member(self.invite())
        machine.systemctl("stop", SERVICE)
        for name, text, told in (("chatroom.tls", "secret", "The credential chatroom.tls"),
                                 ("chatroom.key", "abcd", "has no key of a room")):
            self.secret(f"/etc/credstore/{name}", text)
            started = machine.systemctl("start", SERVICE, check=False)
            self.assertNotEqual(started.returncode, 0)
            # Wrong settings stay wrong: systemd does not try again.
            machine.is_in(SERVICE, "failed")
            entry = self.journal(f"MESSAGE_ID={FAILED}")[-1]
            self.assertIn(told, entry["MESSAGE"])
            self.assertNotIn(text, entry["MESSAGE"])
            machine.systemctl("reset-failed")
            self.secret("/etc/credstore/chatroom.tls", pem)
