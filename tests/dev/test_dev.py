#!/usr/bin/python3
"""What ./dev says and does on machines of other kinds. Each test makes one: a folder with
the scripts, and a PATH with nothing but these commands; the ones that matter are played."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
# What every machine has.
PLAIN = """awk cat chmod cp cut dirname env find flock grep head id ln ls mkdir mktemp mv od paste printf
    readlink rm sed sh sha256sum sort tail tar touch tr true uname wc""".split()
NEW_GTK = "exit 0"


class Machine:
    """A machine that is an ordinary user's, with Rust and without GTK."""

    def __init__(self, test):
        folder = tempfile.TemporaryDirectory(prefix="chatroom ☃ ")
        test.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.checkout = self.folder / "checkout"
        self.home = self.folder / "home"
        self.bin = self.folder / "bin"
        for made in (self.checkout, self.home, self.bin):
            made.mkdir()
        shutil.copy(CHECKOUT / "dev", self.checkout)
        shutil.copy(CHECKOUT / "Cargo.toml", self.checkout)
        shutil.copytree(CHECKOUT / "build-aux", self.checkout / "build-aux")
        for name in PLAIN:
            found = shutil.which(name)
            if found:
                (self.bin / name).symlink_to(found)
        self.has("rustc", 'case $1 in --print) echo "$HOME/rust" ;; *) echo "rustc 1.999.0 (x)" ;; esac')
        self.has("cargo", 'case $1 in metadata) echo "{\\"target_directory\\":\\"$HOME/built\\"}" ;;\n'
                          '*) echo "cargo $* in $CARGO_TARGET_DIR" ;; esac')
        self.has("pkg-config", "exit 1")
        self.has("cc")
        self.has("unshare")
        self.has("mount")
        self.has("df", 'printf "Filesystem 1M-blocks Used Available\\nx 9 9 100000 9%% /\\n"')
        self.is_user(1000)

    def has(self, name, does="exit 0"):
        """The machine has this command, which does that."""
        self.lacks(name)
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)

    def lacks(self, name):
        (self.bin / name).unlink(missing_ok=True)

    def is_user(self, number):
        name = "root" if number == 0 else "kim-of-nowhere"
        self.has("id", f'case $1 in -u) echo {number} ;; -un) echo {name} ;; esac')

    def has_apt(self, lists=True):
        self.has("apt-get", 'echo "apt-get $*"')
        madison = 'echo "$2 | 1"' if lists else ":"
        self.has("apt-cache", f'case $1 in madison) {madison} ;; policy) echo "  Candidate: 1.0" ;; esac')

    def dev(self, *arguments, by=None, **variables):
        """What ./dev writes to both, and its status."""
        environment = {"PATH": str(self.bin), "HOME": str(self.home), "LC_ALL": "C.UTF-8", **variables}
        environment = {name: value for name, value in environment.items() if value is not None}
        done = subprocess.run([str(by or self.checkout / "dev"), *arguments], env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
                              cwd=self.folder, start_new_session=True)
        return done.stdout, done.returncode


class Dev(unittest.TestCase):
    def setUp(self):
        self.machine = Machine(self)

    def refuses(self, *sentences, without=(), command=("run", "x"), **variables):
        said, status = self.machine.dev(*command, **variables)
        self.assertEqual(status, 1, said)
        for sentence in sentences:
            self.assertIn(sentence, said)
        for sentence in without:
            self.assertNotIn(sentence, said)
        self.assertFalse((self.machine.home / ".cache/chatroom/made").exists(), "nothing was made")
        return said

    def test_the_server_and_the_listener_are_built_without_the_app_anywhere(self):
        for command in (["--server"], ["--listen", "x"], ["--port", "1", "--server"], ["--status"]):
            said, status = self.machine.dev("run", *command)
            self.assertEqual(status, 0, said)
            self.assertIn("cargo run --locked --no-default-features --features cli,store -- " + " ".join(command), said)

    def test_the_app_is_not_built_without_itself(self):
        self.machine.has("pkg-config", NEW_GTK)
        for name in ("blueprint-compiler", "msgfmt"):
            self.machine.has(name)
        said, status = self.machine.dev("run", "host", DISPLAY=":0")
        self.assertEqual(status, 0, said)
        self.assertIn("cargo run --locked -- host", said)

    def test_cargo_is_asked_where_it_builds(self):
        said, _ = self.machine.dev("run", "--server")
        self.assertIn(f"in {self.machine.home}/built", said)
        said, _ = self.machine.dev("run", "--server", CARGO_TARGET_DIR="/elsewhere")
        self.assertIn("in /elsewhere", said)

    def test_a_symbolic_link_to_it_is_followed(self):
        link = self.machine.folder / "link"
        link.symlink_to(self.machine.checkout / "dev")
        again = self.machine.folder / "link to it"
        again.symlink_to("link")
        said, status = self.machine.dev("run", "--server", by=again)
        self.assertEqual(status, 0, said)

    def test_without_a_home_it_says_so(self):
        self.refuses("HOME is not set", HOME=None)

    def test_what_is_missing_for_rust_is_said_with_how_to_get_it(self):
        old = 'echo "rustc 1.63.0 (x)"'
        self.machine.has("rustc", old)
        self.refuses("this is 1.63.0", "https://rustup.rs", without=["rustup update"])
        self.machine.has("rustup")
        self.refuses("this is 1.63.0", "rustup update stable")
        self.machine.lacks("rustup")
        self.machine.has_apt()
        self.refuses("as root: apt-get install rustup && rustup default stable")
        self.machine.lacks("cargo")
        self.refuses("Rust is missing; Chatroom needs 1.")

    def test_the_lists_of_apt_come_first(self):
        self.machine.has_apt(lists=False)
        self.machine.has("sudo")
        self.refuses("sudo apt-get update", without=["mmdebstrap", "install"])

    def test_no_package_is_named_twice_and_sudo_only_where_it_is(self):
        self.machine.has_apt()
        # With everything but the development files of the newest GTK.
        self.machine.has("apt-cache", 'case $1 in madison) echo x ;; policy) echo "  Candidate: 99" ;; esac')
        said = self.refuses("as root: apt-get install libadwaita-1-dev", without=["sudo"])
        self.assertEqual(said.count("libadwaita-1-dev"), 1)
        self.machine.has("sudo")
        self.refuses("sudo apt-get install libadwaita-1-dev")

    def test_what_the_root_needs_is_looked_at_before_it_is_made(self):
        machine = self.machine
        machine.has_apt()
        machine.has("mmdebstrap", 'touch "$HOME/.cache/chatroom/made"; exit 1')
        machine.has("newuidmap")
        machine.has("unshare", "exit 1")
        self.refuses("does not allow the namespace", "--privileged", "./dev run --server")
        machine.is_user(0)
        self.refuses("does not allow the namespace")
        machine.has("unshare")
        machine.has("df", 'printf "Filesystem 1M-blocks Used Available\\nx 9 9 700 9%% /\\n"')
        self.refuses("needs 1500 MB", "700 MB are free", "XDG_CACHE_HOME")
        machine.is_user(1000)
        self.refuses("/etc/subuid has no entry for you",
                     "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 kim-of-nowhere")
        machine.lacks("newuidmap")
        self.refuses("as root: apt-get install uidmap")
        machine.lacks("mmdebstrap")
        self.refuses("apt-get install mmdebstrap uidmap")

    def test_a_root_that_breaks_off_ends_in_a_sentence(self):
        self.machine.is_user(0)
        self.machine.has_apt()
        # As it does to all of its group when the disk is full.
        self.machine.has("mmdebstrap", "kill -HUP $PPID; trap '' HUP; kill -HUP 0; exit 1")
        said, status = self.machine.dev("run", "x")
        self.assertEqual(status, 1, said)
        self.assertIn("The development root could not be made", said)
        self.assertIn("MB are free", said)

    def test_fuzzing_shares_the_time_among_the_targets_and_names_them(self):
        machine = self.machine
        shutil.copytree(CHECKOUT / "fuzz", machine.checkout / "fuzz",
                        ignore=shutil.ignore_patterns("corpus", "target", "artifacts"))
        for name in ("c++", "cargo-fuzz"):
            machine.has(name, 'echo "fuzz $*"')
        # Installing is copying here.
        machine.has("cargo", 'while [ $# -gt 0 ]; do [ "$1" != --root ] || folder=$2; shift; done\n'
                             'mkdir -p "$folder/bin" && cp "$(command -v cargo-fuzz)" "$folder/bin"')
        targets = sorted(it.stem for it in (CHECKOUT / "fuzz/fuzz_targets").iterdir())
        said, status = machine.dev("fuzz", str(7 * len(targets)), CARGO_TARGET_DIR="built")
        self.assertEqual(status, 0, said)
        self.assertEqual(said.count("Building cargo-fuzz"), 1)
        self.assertEqual(said.count("-max_total_time=7 "), len(targets))
        for target in targets:
            self.assertIn(f"built/fuzz/corpus/{target} fuzz/corpus/{target} -- ", said)
        said, status = machine.dev("fuzz", "door", "90", CARGO_TARGET_DIR="built")
        self.assertEqual((said.count("fuzz run"), said.count("-max_total_time=90 "), status), (1, 1, 0), said)
        said, status = machine.dev("fuzz", "window")
        self.assertEqual(status, 2, said)
        self.assertIn('no fuzz target "window"', said)
        self.assertIn("\n".join(targets), said)

    def test_the_scripts_are_small(self):
        self.assertLess(len((CHECKOUT / "dev").read_text().splitlines()), 150)


if __name__ == "__main__":
    unittest.main()
