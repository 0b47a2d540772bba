from __future__ import annotations

import json
import types
import typing
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from typing import Any

import pytest

from eximkit.errors import InputError
from eximkit.logs.saved import as_data, from_data, summary_from_data
from eximkit.logs.scan import BY_HOST, BY_HOUR, BY_SESSION, TRAFFIC, scan
from eximkit.logs.summary import Summary
from tests.logs.generator import Log, Options
from tests.logs.scenes import busy


def through_json(value: object) -> Any:
    return json.loads(json.dumps(as_data(value)))


def counted(**options: Any) -> Summary:
    log = Log(Options(**options), datetime(2026, 3, 1, 1, 5))  # noqa: DTZ001
    log.daemon_start()
    busy(log, 3, 30)
    return scan(log.text, wanted=frozenset({BY_HOST, BY_HOUR, BY_SESSION, TRAFFIC}))


def filled(kind: Any, turn: int = 1) -> Any:
    """A value of a type in which nothing is as it is by default."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        return filled(next(each for each in inner if each is not type(None)), turn)
    if origin is tuple:
        if inner[-1] is ...:
            return tuple(filled(inner[0], turn + n) for n in range(2))
        return tuple(filled(each, turn) for each in inner)
    if origin in {set, frozenset, list}:
        return origin(filled(inner[0], turn + n) for n in range(2))
    if origin is dict:
        return {
            filled(inner[0], turn + n): filled(inner[1], turn + n) for n in range(2)
        }
    plain = {
        int: turn, float: turn + 0.25, str: f"\udce4 {turn}", bool: True,
        bytes: b"\xff\0 %d" % turn,
    }  # fmt: skip
    if kind in plain:
        return plain[kind]
    hints = typing.get_type_hints(kind)
    names = [f.name for f in fields(kind)] if is_dataclass(kind) else kind._fields
    return kind(**{name: filled(hints[name], turn) for name in names})


@pytest.mark.parametrize("name", [each.name for each in fields(Summary)])
def test_each_counter_is_saved(name: str) -> None:
    """Whatever is added to `Summary`: what it holds comes back."""
    value = filled(typing.get_type_hints(Summary)[name])
    assert value != getattr(Summary(), name)
    summary = Summary(**{name: value})
    data = through_json(summary)
    assert set(data) == {each.name for each in fields(Summary)}
    assert getattr(from_data(Summary, data), name) == value


def test_the_counts_of_a_log_come_back_and_add_up() -> None:
    summary = counted(ports=True)
    again = summary_from_data(through_json(summary))
    assert again == summary
    assert again.connections.members
    assert again.octets_of_hosts.counts
    assert (again + counted(seed=2)) == (summary + counted(seed=2))


def test_what_an_earlier_release_did_not_count_is_nothing() -> None:
    data = through_json(counted())
    del data["octets_of_hosts"]
    assert summary_from_data(data).octets_of_hosts == Summary().octets_of_hosts


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (["lines"], -1, "lines: no count"),
        (["lines"], "1", "lines: no count"),
        (["lines"], True, "lines: no count"),
        (["lines"], 1 << 63, "lines: no count"),
        (["arrivals"], {}, "arrivals: no list"),
        (["arrivals", 0], [[], 1], "arrivals: no list of 6"),
        (["arrivals", 0, 1], 1.5, "arrivals"),
        (["arrivals", 0, 0, 1], 1, "neither true nor false"),
        (["hosts", 0, 1, "counts", 0, 0], "\u20ac", "no octets"),
        (["hosts", 0, 0], "sideways", "not complete"),
        (["hosts", 0, 1, "limit"], 1 << 40, "other limits"),
        (["another"], 1, "'another' is not known"),
        (["stretches"], None, "stretches: no object"),
    ],
)
def test_what_is_no_summary_is_refused(place: list[Any], value: Any, told: str) -> None:
    data = through_json(counted())
    part = data
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    with pytest.raises(InputError, match=told):
        summary_from_data(data)


def test_the_same_key_twice_is_refused() -> None:
    data = through_json(counted())
    data["events"].append(data["events"][0])
    with pytest.raises(InputError, match=r"events: the same key twice"):
        summary_from_data(data)


@pytest.mark.parametrize("data", [None, [], "x", 3, {"lines": None}])
def test_anything_else_is_refused(data: object) -> None:
    with pytest.raises(InputError):
        summary_from_data(data)


def test_a_type_that_cannot_be_saved_is_noticed() -> None:
    @dataclass
    class Odd:
        when: complex = 0j

    @dataclass
    class Either:
        what: int | str = field(default=0)

    for odd in (Odd(), Either()):
        with pytest.raises(TypeError, match="cannot be saved"):
            as_data(odd)
