"""A cache that is of no use costs one normal connection, and never a message."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from eximkit.interop import cache as caching
from eximkit.interop.cache import EhloCache
from eximkit.smtp import Service
from eximkit.smtp.early import Cached, Key, Reason, Record
from tests.interop.peers import honest, plan, trial
from tests.smtp.wire import CONTENT, NOW, Mailbox, offer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.interop.peers import Trial

EARLY = offer("PIPELINING", "PIPECONNECT", "8BITMIME", "SIZE 52428800")
SERVICE = Service("mx.example", chunking=False, prdr=False, smtputf8=False)


def kept(path: Path) -> bytes:
    """A cache as it is after some use, in one file."""
    cache = EhloCache(path)
    for port in range(1, 60):
        cache.put(Key("127.0.0.1", port, "c.example"), Record(NOW, EARLY))
    cache.close()
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA journal_mode = DELETE")
    return path.read_bytes()


def corrupt(path: Path) -> None:
    octets = bytearray(kept(path))
    octets[200:4000] = os.urandom(3800)
    path.write_bytes(octets)


def truncated(path: Path) -> None:
    octets = kept(path)
    path.write_bytes(octets[: len(octets) // 2])


def head_only(path: Path) -> None:
    path.write_bytes(kept(path)[:40])


def of_another_release(path: Path) -> None:
    kept(path)
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA user_version = 99")


def without_its_table(path: Path) -> None:
    kept(path)
    with closing(sqlite3.connect(path)) as base:
        base.execute("DROP TABLE ehlo")
        base.execute("CREATE TABLE ehlo (something TEXT)")


def empty(path: Path) -> None:
    path.touch()


def nothing(path: Path) -> None:
    assert not path.exists()


MENDED: dict[str, Callable[[Path], None]] = {
    "corrupt": corrupt,
    "truncated": truncated,
    "only a head": head_only,
    "of another release": of_another_release,
    "without its table": without_its_table,
    "empty": empty,
    "not there": nothing,
}


def text(path: Path) -> None:
    path.write_text("Dear diary\n")


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as base:
        base.execute("CREATE TABLE ehlo (mine TEXT)")
        base.execute("PRAGMA application_id = 7")


def link(path: Path) -> None:
    text(path.with_name("target"))
    path.symlink_to(path.with_name("target"))


def dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def folder(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)


FOREIGN: dict[str, Callable[[Path], None]] = {
    "text": text,
    "of another program": of_another_program,
    "a symbolic link": link,
    "a symbolic link to nothing": dangling,
    "a folder": folder,
    "a named pipe": pipe,
}


def delivered(path: Path, early: bool = False) -> Trial:
    box = Mailbox()
    found = trial(plan(), honest(SERVICE, box), path=path)
    assert found.fates == ["delivered"]
    assert [content for *_, content in box.messages] == [CONTENT]
    assert found.delivered.last.early is early
    assert not found.delivered.redialled
    return found


@pytest.mark.parametrize("name", MENDED)
def test_what_is_ours_is_mended(name: str, tmp_path: Path) -> None:
    path = tmp_path / "ehlo.sqlite"
    MENDED[name](path)
    delivered(path)
    found = delivered(path)
    assert found.delivered.fault == ""
    assert found.record == Record(NOW, EARLY)


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_not_is_left_alone(name: str, tmp_path: Path) -> None:
    path = tmp_path / "ehlo.sqlite"
    FOREIGN[name](path)
    before = sorted((p.name, p.lstat().st_mode, p.lstat().st_size)
                    for p in tmp_path.iterdir())  # fmt: skip
    found = delivered(path)
    assert str(path) in found.delivered.fault
    after = sorted((p.name, p.lstat().st_mode, p.lstat().st_size)
                   for p in tmp_path.iterdir())  # fmt: skip
    assert after == before


@pytest.mark.parametrize("place", ["gone/ehlo.sqlite", "/proc/ehlo.sqlite"])
def test_a_folder_that_cannot_be_written_to(place: str, tmp_path: Path) -> None:
    path = tmp_path / place
    found = delivered(path)
    assert str(path) in found.delivered.fault
    assert not path.exists()


def test_another_process_keeps_it_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caching, "WAIT", 0.1)
    path = tmp_path / "ehlo.sqlite"
    kept(path)
    code = (
        "import sqlite3, sys; base = sqlite3.connect(sys.argv[1])\n"
        "base.execute('BEGIN EXCLUSIVE'); print('mine', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"mine\n"
        found = delivered(path)
        other.stdin.close()
        assert other.wait(60) == 0
    assert "locked" in found.delivered.fault


def test_a_record_from_the_future() -> None:
    box = Mailbox()
    ahead = Record(NOW + 3600, EARLY)
    found = trial(plan(), honest(SERVICE, box), record=ahead)
    assert found.fates == ["delivered"]
    assert (found.delivered.reason, found.delivered.last.early) == (
        Reason.FUTURE, False,
    )  # fmt: skip
    assert found.record == Record(NOW, EARLY)


def test_a_record_that_is_too_old() -> None:
    box = Mailbox()
    found = trial(plan(), honest(SERVICE, box), record=Record(NOW - 8 * 86400, EARLY))
    assert (found.fates, found.delivered.cached) == (["delivered"], Cached.EXPIRED)
    assert not found.delivered.last.early
    assert found.record == Record(NOW, EARLY)


def test_records_of_other_places_are_not_used(tmp_path: Path) -> None:
    path = tmp_path / "ehlo.sqlite"
    # Other ports of the same address, but for that of the server itself.
    kept(path)
    found = delivered(path)
    assert found.delivered.cached is Cached.MISS
