"""The dialogue of `eximkit expand`, on a pseudo-terminal of 80 columns."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from eximkit.catalog import release
from eximkit.cli.expand_prompt import _completer, _history_file

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[2]
COLOUR = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
PATIENCE = 30
# Whoever runs the tests in the background has them ignore interrupts.
MAIN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from eximkit.cli import main
main(["expand", "--exim-version", "4.96"])
"""


class Terminal:
    """A running dialogue."""

    def __init__(self, state: Path) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.child = subprocess.Popen(
            [sys.executable, "-c", MAIN],
            stdin=slave, stdout=slave, stderr=slave, close_fds=True,
            start_new_session=True,
            env={
                "PYTHONPATH": str(CHECKOUT), "TERM": "dumb",
                "XDG_STATE_HOME": str(state), "PATH": os.environ["PATH"],
            },
        )  # fmt: skip
        os.close(slave)
        self.read()

    def read(self) -> str:
        """What is written up to the next prompt, or to the end."""
        found = b""
        deadline = time.monotonic() + PATIENCE
        while not re.search(rb"(^|\n)> $", found.replace(b"\r", b"")):
            left = deadline - time.monotonic()
            assert left > 0, found
            if not select.select([self.master], [], [], left)[0]:
                continue
            try:
                data = os.read(self.master, 65536)
            except OSError:  # The other end has been closed.
                break
            if not data:
                break
            found += data
        text = COLOUR.sub("", found.decode()).replace("\r", "")
        return text.removesuffix("> ")

    def say(self, line: str) -> str:
        """Type a line; what comes of it, without the line itself."""
        os.write(self.master, line.encode() + b"\n")
        return self.read().partition("\n")[2]

    def interrupt(self, typed: bytes) -> str:
        """Type a part of a line, and once it has been read, give it up."""
        os.write(self.master, typed)
        shown = b""
        while not shown.endswith(typed):
            assert select.select([self.master], [], [], PATIENCE)[0], shown
            shown += os.read(self.master, 65536)
        # One that comes while the library is about to wait shows with the next key.
        self.child.send_signal(signal.SIGINT)
        while not select.select([self.master], [], [], 0.5)[0]:
            self.child.send_signal(signal.SIGINT)
        return self.read()

    def end(self) -> int:
        os.write(self.master, b"\x04")
        self.read()
        code = self.child.wait(PATIENCE)
        os.close(self.master)
        return code


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    started = Terminal(tmp_path)
    yield started
    if started.child.poll() is None:
        started.child.kill()
        started.child.wait()
        os.close(started.master)


def test_a_dialogue(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.say("${uc:abc}") == "ABC\n"
    assert terminal.say("set domain = a.b") == "variable domain set\n"
    assert terminal.say("X = $domain") == "Defined macro 'X'\n"
    assert terminal.say("<X>") == "<a.b>\n"
    said = terminal.say("é${if eqq{a}{b}}").split("\n")
    assert said[0].startswith("Failed: unknown condition ")
    assert said[1:4] == [
        "  |",
        "1 | é${if eqq{a}{b}}",
        "  |       ^^^",
    ]
    assert terminal.say("") == ""
    assert terminal.interrupt(b"half a line") == "\n"
    assert terminal.say("${lc:GOES ON}") == "goes on\n"
    assert terminal.end() == 0
    history = tmp_path / "eximkit/expand_history"
    assert "${uc:abc}\nset domain = a.b\n" in history.read_text("utf-8")
    assert history.stat().st_mode & 0o077 == 0


def test_help_in_80_columns(terminal: Terminal) -> None:
    said = terminal.say("?eq")
    assert said.startswith("condition eq\n")
    assert "not in 4.96" in terminal.say("?headerwrap")
    assert "did you mean" in terminal.say("?primary_hostnam")
    assert "?NAME" in terminal.say("?")
    for name in ("$domain", "${lookup", "lsearch", "driver", "hosts", "extract", "acl"):
        lines = terminal.say(f"?{name}").split("\n")
        assert len(lines) > 2, lines
        assert max(map(len, lines)) <= 80
    assert terminal.say("?" + "x" * 1000).count("\n") < 30
    assert terminal.end() == 0


def test_history_is_there_again(terminal: Terminal, tmp_path: Path) -> None:
    terminal.say("${eval:6*7}")
    terminal.end()
    again = Terminal(tmp_path)
    os.write(again.master, b"\x1b[A\n")
    assert "\n42\n" in again.read()
    assert again.end() == 0


def test_where_history_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/joe")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    usual = Path("/home/joe/.local/state/eximkit/expand_history")
    assert _history_file() == usual
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    assert _history_file() == usual
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert _history_file() == Path("/state/eximkit/expand_history")
    monkeypatch.setenv("XDG_STATE_HOME", "")
    monkeypatch.setenv("HOME", "")
    assert _history_file() is None


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("$primary_h", "$primary_hostname"),
        ("x$primary_h", "x$primary_hostname"),
        ("${listext", "${listextract"),
        ("{match_ip", "{match_ip"),
        ("{!match_loc", "{!match_local_part"),
        ("?srs_enc", "?srs_encode"),
        ("${nosuch", None),
    ],
)
def test_names_are_completed(typed: str, completed: str | None) -> None:
    assert _completer(release("4.96"))(typed, 0) == completed
    assert _completer(release("4.96"))(typed, 500) is None
