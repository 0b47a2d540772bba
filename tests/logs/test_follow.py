from __future__ import annotations

import json
import os
import random
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eximkit.logs.follow import Follower, FollowState
from eximkit.logs.parallel import summarise
from eximkit.logs.saved import as_data, from_data
from eximkit.logs.sources import gather
from eximkit.logs.summary import Summary
from tests.logs.generator import Log, Options
from tests.logs.rotating import RotatedLog
from tests.logs.scenes import busy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def some_lines(seed: int = 1, **options: Any) -> Iterator[bytes]:
    """Lines of a log without an end."""
    log = Log(Options(seed=seed, **options), datetime(2026, 3, 1, 1, 5))  # noqa: DTZ001
    while True:
        log.text = b""
        log.daemon_start()
        busy(log, 1, 40)
        yield from log.text.splitlines(keepends=True)


def comparable(summary: Summary) -> object:
    """What does not depend on how the log was cut into files and pieces."""
    data: dict[str, Any] = {
        name: getattr(summary, name)
        for name in summary.__dataclass_fields__
        if name != "stretches"
    }
    stretches = [(p.started, p.evidence) for p in summary.stretches]
    return data, stretches


def one_pass(paths: Iterable[Path]) -> Summary:
    with gather(list(paths)) as found:
        return summarise(found.sources, jobs=1).summary


def follower(path: Path, oldest: Path | None = None) -> Follower:
    return Follower.begin([(str(path), None if oldest is None else str(oldest))])


def read(found: Follower) -> Follower:
    while found.step():
        pass
    return found


def saved(found: Follower) -> FollowState:
    """The state as it would be read again."""
    return from_data(FollowState, json.loads(json.dumps(as_data(found.state()))))


def killed(found: Follower, state: FollowState) -> Follower:
    """Another follower, that knows only what was saved."""
    found.close()
    return Follower.resume(from_data(FollowState, as_data(state)))


def settle(log: RotatedLog) -> None:
    """As if all was written a while ago, so that no line is waited for."""
    for path in log.files():
        then = path.stat().st_mtime - 60
        os.utime(path, (then, then))


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_each_line_is_counted_once(tmp_path: Path, seed: int) -> None:
    """Rotations of each kind, kills, half lines and late ones, in any order."""
    choose = random.Random(seed)
    log = RotatedLog(tmp_path / "mainlog", some_lines(seed))
    log.write(choose.randrange(3))
    found = follower(log.path)
    state = saved(found)
    for _ in range(150):
        action = choose.choice(
            ["write"] * 6 + ["step"] * 6 + ["save"] * 2
            + ["half", "rename", "late", "copy", "compress", "kill", "read"]
        )  # fmt: skip
        if action == "write":
            log.write(choose.randrange(1, 30))
        elif action == "half":
            log.write_half()
        elif action == "rename":
            log.rename()
        elif action == "late":
            log.rename(late=choose.randrange(1, 4))
        elif action == "copy":
            log.copy_and_truncate()
        elif action == "compress":
            log.compress(choose.randrange(2, 5))
        elif action == "step":
            found.step()
        elif action == "read":
            read(found)
        elif action == "save":
            state = saved(found)
        else:
            found = killed(found, state)
    log.close()
    settle(log)
    found = read(killed(read(found), saved(found)))
    whole = one_pass(log.files())
    assert found.problems == []
    assert whole.lines == log.written
    assert whole.garbage == 0
    assert comparable(found.summary())[0] == comparable(whole)[0]  # type: ignore[index]
    found.close()
