from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eximkit.interop.cache import EhloCache
from eximkit.smtp.early import Cached, Key, Memory, Record, Tls, Wish
from eximkit.smtp.ehlo import Offer

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

NOW = 1_800_000_000
OFFER = Offer({"PIPECONNECT": (), "PIPELINING": (), "SIZE": ("9",)})
RECORD = Record(NOW, OFFER, None)
KEY = Key("192.0.2.1", 25, "$primary_hostname")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ehlo.sqlite"


def kept(path: Path) -> Record | None:
    cache = EhloCache(path)
    record = cache.get(KEY)
    cache.close()
    return record


def filled(path: Path) -> EhloCache:
    cache = EhloCache(path)
    cache.put(KEY, RECORD)
    assert cache.fault == ""
    return cache


def test_a_record_is_kept(path: Path) -> None:
    cache = EhloCache(path)
    assert cache.get(KEY) is None
    assert not path.exists()
    cache.put(KEY, RECORD)
    assert cache.get(KEY) == RECORD
    later = Record(NOW + 5, OFFER, OFFER)
    cache.put(KEY, later)
    assert kept(path) == later
    assert path.stat().st_mode & 0o777 == 0o600
    cache.forget(KEY)
    assert kept(path) is None
    assert cache.fault == ""


OTHERS = [
    Key("192.0.2.2", 25, KEY.helo),
    Key("192.0.2.1", 26, KEY.helo),
    Key("192.0.2.1", 25, "other.example"),
    Key("192.0.2.1", 25, KEY.helo, interface="192.0.2.9"),
    Key("192.0.2.1", 25, KEY.helo, tls=Tls.STARTTLS),
    Key("192.0.2.1", 25, KEY.helo, sni="mx.example"),
]


@pytest.mark.parametrize("other", OTHERS)
def test_all_that_makes_a_response_differ_is_in_the_key(path: Path, other: Key) -> None:
    cache = filled(path)
    assert cache.get(other) is None
    cache.forget(other)
    assert cache.get(KEY) == RECORD


def test_list_and_clear(path: Path) -> None:
    cache = EhloCache(path)
    assert cache.list() == []
    assert cache.clear() == 0
    for key in (KEY, *OTHERS):
        cache.put(key, RECORD)
    assert dict(cache.list()) == dict.fromkeys((KEY, *OTHERS), RECORD)
    assert cache.clear("192.0.2.2") == 1
    assert cache.clear() == 6
    assert cache.list() == []


def test_what_a_connection_has_shown_is_stored(path: Path) -> None:
    cache = EhloCache(path)
    for found, cached in ((OFFER, Cached.MISS), (OFFER, Cached.HIT)):
        memory = Memory(Wish(), cache.get(KEY), NOW)
        memory.hello(found, secure=False)
        cache.store(KEY, memory)
        assert memory.cached is cached
        assert cache.get(KEY) == RECORD
    memory = Memory(Wish(), cache.get(KEY), NOW)
    memory.failed()
    cache.store(KEY, memory)
    assert cache.get(KEY) is None


def test_it_is_bounded(path: Path) -> None:
    cache = EhloCache(path, most=10)
    keys = [Key("192.0.2.1", port, "x") for port in range(25)]
    for age, key in enumerate(keys):
        cache.put(key, Record(NOW + age, OFFER))
    assert [key for key, _ in cache.list()] == keys[-10:]
    cache.put(Key("x" * 2000, 25, "x"), RECORD)
    huge = Offer({"AUTH": tuple(f"{n:064}" for n in range(64)), **OFFER.keywords})
    large = Offer({f"{name}": huge.keywords["AUTH"] for name in ("AUTH", "LIMITS",
                   "SIZE", "DSN", "PRDR", "STARTTLS")})  # fmt: skip
    cache.put(keys[-1], Record(NOW, large))
    assert cache.get(keys[-1]) is None
    assert len(cache.list()) == 9


def test_records_of_a_wrong_clock_do_not_crowd_out_others(path: Path) -> None:
    cache = EhloCache(path, most=3)
    for port in range(3):
        cache.put(Key("192.0.2.1", port, "x"), Record(NOW + 10**6, OFFER))
    cache.put(KEY, RECORD)
    assert cache.get(KEY) == RECORD
    assert len(cache.list()) == 3


@pytest.mark.parametrize("key", [
    Key("\ud800", 25, "x"), Key("a", 2**70, "x"), Key("a\0b", 25, "'; DROP TABLE ehlo"),
])  # fmt: skip
def test_odd_keys(path: Path, key: Key) -> None:
    cache = filled(path)
    cache.put(key, RECORD)
    assert cache.get(key) in (None, RECORD)
    assert cache.get(KEY) == RECORD


# -- files that are not what they should be --------------------------------------------


def test_a_foreign_file_is_left_alone(path: Path) -> None:
    for content in (b"root:x:0:0:", b"garbage" * 1000):
        path.write_bytes(content)
        cache = EhloCache(path)
        assert cache.get(KEY) is None
        cache.put(KEY, RECORD)
        assert "left as it is" in cache.fault
        assert cache.clear() == 0
        assert cache.list() == []
        assert path.read_bytes() == content


def test_another_database_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE ehlo (x)")
    base.close()
    before = path.read_bytes()
    cache = EhloCache(path)
    assert cache.get(KEY) is None
    cache.put(KEY, RECORD)
    assert "left as it is" in cache.fault
    assert path.read_bytes() == before


def test_links_and_folders_are_left_alone(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    path.symlink_to(target)
    cache = EhloCache(path)
    cache.put(KEY, RECORD)
    assert "not a plain file" in cache.fault
    assert not target.exists()
    path.unlink()
    path.mkdir()
    cache.put(KEY, RECORD)
    assert "not a plain file" in cache.fault
    assert cache.get(KEY) is None
    missing = EhloCache(tmp_path / "no" / "such" / "folder")
    missing.put(KEY, RECORD)
    assert missing.fault
    assert missing.get(KEY) is None


def test_a_file_that_may_not_be_written(path: Path) -> None:
    filled(path).close()
    path.chmod(0o400)
    cache = EhloCache(path)
    cache.put(KEY, Record(NOW + 1, OFFER))
    record = cache.get(KEY)
    assert record is None or record.clear == OFFER


def damaged(path: Path, damage: bytes, at: int) -> None:
    octets = bytearray(path.read_bytes())
    octets[at : at + len(damage)] = damage
    path.write_bytes(octets)


@pytest.mark.parametrize("size", [1, 50, 99, 100, 500, 4096, 5000])
def test_a_truncated_cache_costs_one_connection(path: Path, size: int) -> None:
    filled(path).close()
    os.truncate(path, size)
    cache = EhloCache(path)
    assert cache.get(KEY) is None
    assert cache.fault
    cache.put(KEY, RECORD)
    assert cache.fault == ""
    assert kept(path) == RECORD


@pytest.mark.parametrize("at", [16, 28, 40, 100, 105, 4096, 4100])
def test_a_corrupt_cache_costs_one_connection(path: Path, at: int) -> None:
    filled(path).close()
    damaged(path, b"\xff" * 16, at)
    cache = EhloCache(path)
    assert cache.get(KEY) in (None, RECORD)
    assert cache.get(KEY) in (None, RECORD)
    cache.put(KEY, RECORD)
    cache.put(KEY, RECORD)
    assert cache.fault == ""
    assert kept(path) == RECORD


def test_another_version_is_made_anew(path: Path) -> None:
    filled(path).close()
    damaged(path, b"\0\0\0\x63", 60)
    cache = EhloCache(path)
    assert cache.get(KEY) is None
    cache.put(KEY, RECORD)
    assert kept(path) == RECORD


def test_a_table_of_another_shape_is_made_anew(path: Path) -> None:
    filled(path).close()
    with sqlite3.connect(path) as base:
        base.execute("DROP TABLE ehlo")
    base.close()
    cache = EhloCache(path)
    assert cache.get(KEY) is None
    cache.put(KEY, RECORD)
    assert kept(path) == RECORD


@pytest.mark.parametrize(
    "text", ["", "{}", "null", "x" * 100_000, '{"stamp":-1}', None, 5]
)
def test_rows_that_hold_no_record(path: Path, text: object) -> None:
    cache = filled(path)
    with sqlite3.connect(path) as base:
        base.execute("UPDATE ehlo SET record = ?", (text or "",))
    base.close()
    assert cache.get(KEY) is None
    assert cache.list() == []
    cache.put(KEY, RECORD)
    assert cache.get(KEY) == RECORD


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_is_an_error(path: Path, data: st.DataObject) -> None:
    for name in (path, *path.parent.glob(path.name + "-*")):
        name.unlink(missing_ok=True)
    filled(path).close()
    at = data.draw(st.integers(0, path.stat().st_size))
    damaged(path, data.draw(st.binary(min_size=1, max_size=40)), at)
    cache = EhloCache(path)
    cache.get(KEY)
    cache.list()
    cache.put(KEY, RECORD)
    cache.forget(KEY)
    cache.close()


# -- many processes --------------------------------------------------------------------


def test_a_file_made_anew_by_another_is_noticed(path: Path) -> None:
    cache = filled(path)
    for name in (path, *path.parent.glob(path.name + "-*")):
        name.unlink()
    filled(path).put(OTHERS[0], RECORD)
    assert cache.get(OTHERS[0]) == RECORD


def test_a_writer_that_takes_its_time_costs_a_connection(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eximkit.interop.cache.WAIT", 0.05)
    cache = filled(path)
    cache.close()
    with sqlite3.connect(path, isolation_level=None) as base:
        base.execute("BEGIN IMMEDIATE")
        cache.put(KEY, Record(NOW + 1, OFFER))
        assert "locked" in cache.fault
        assert cache.get(KEY) == RECORD
        base.execute("ROLLBACK")
    base.close()
    cache.put(KEY, Record(NOW + 1, OFFER))
    assert cache.get(KEY) == Record(NOW + 1, OFFER)


def work(path: str, seed: int, busy: Event) -> None:
    """Reads and writes until it is killed."""
    randomly = random.Random(seed)
    cache = EhloCache(Path(path), most=20)
    while True:
        key = Key("192.0.2.1", randomly.randrange(30), "x")
        record = cache.get(key)
        assert record is None or record.clear == OFFER
        if randomly.random() < 0.8:
            cache.put(key, Record(NOW + randomly.randrange(1000), OFFER))
        else:
            cache.forget(key)
        # A machine that is busy enough may let a writer wait for too long.
        assert cache.fault == "" or "locked" in cache.fault, cache.fault
        busy.set()


def test_a_kill_at_any_moment(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    randomly = random.Random(1)
    for round_ in range(3):
        workers = []
        for number in range(4):
            busy = spawn.Event()
            seed = 10 * round_ + number
            worker = spawn.Process(target=work, args=(str(path), seed, busy))
            worker.start()
            workers.append((worker, busy))
        try:
            for _, busy in workers:
                assert busy.wait(30)
        finally:
            for worker, _ in workers:
                time.sleep(randomly.random() / 10)
                worker.kill()
                worker.join()
        assert {worker.exitcode for worker, _ in workers} == {-signal.SIGKILL}
        cache = EhloCache(path, most=20)
        assert 0 < len(cache.list()) <= 20
        cache.put(KEY, RECORD)
        assert cache.fault == ""
        assert cache.get(KEY) == RECORD
        cache.close()


def test_a_child_does_not_use_the_connection_of_its_parent(path: Path) -> None:
    cache = filled(path)
    child = os.fork()
    if child == 0:
        ok = cache.get(KEY) == RECORD and cache._opened[0] == os.getpid()
        cache.put(OTHERS[0], RECORD)
        os._exit(0 if ok and cache.fault == "" else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert cache.get(OTHERS[0]) == RECORD


def test_several_at_once_make_one_file(path: Path) -> None:
    gate = threading.Barrier(8)
    faults = []

    def make(number: int) -> None:
        cache = EhloCache(path)
        gate.wait()
        cache.put(Key("192.0.2.1", number, "x"), RECORD)
        faults.append(cache.fault)
        cache.close()

    threads = [threading.Thread(target=make, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == [""] * 8
    assert len(EhloCache(path).list()) == 8
