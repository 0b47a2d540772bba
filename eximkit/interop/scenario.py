"""Scenarios as data: the TOML files beside this module, read and checked.

A file holds scenarios of one kind. Each is a table; `variants` in it are further
scenarios, named NAME-VARIANT, that differ in what they say. `client.eximkit`,
`client.exim`, `server.…` in it hold for that peer alone.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import Enum
from importlib import resources
from typing import TYPE_CHECKING, Any

from eximkit.errors import InputError
from eximkit.interop.peer import Setup
from eximkit.smtp.early import Tls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PEERS = ("eximkit", "exim")


class Kind(Enum):
    """What a scenario is about."""

    SEQUENCE = "sequence"
    """Messages, with and without early mode, and the round trips of both."""
    CHANGE = "change"
    """A server is no longer what the client remembers."""
    HOSTILE = "hostile"
    """A client that keeps to nothing."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. shows: what it shows, in a line. told: its table, variant applied.

    needs_packets: it makes no sense without packets (Fast Open).
    """

    name: str
    kind: Kind
    shows: str
    told: Mapping[str, Any]

    @property
    def needs_packets(self) -> bool:
        return bool(self.told.get("fast_open"))

    def seen_by(self, client: str, server: str) -> dict[str, Any]:
        """Its table for these two peers."""
        table = dict(self.told)
        sides = {"client": client, "server": server}
        for side, peer in sides.items():
            table = _merged(table, table.pop(side, {}).get(peer, {}))
        return table

    def takes(self, side: str, peer: str) -> str:
        """Why a peer can not be the client, or the server, of it; "" if it can."""
        reasons: Mapping[str, str] = self.told.get("without", {}).get(side, {})
        return reasons.get(peer, "")


_SETUP = frozenset(Setup.__dataclass_fields__)
_OF_ALL = frozenset({"shows", "variants", "client", "server", "without"})
_KEYS = {
    Kind.SEQUENCE: _OF_ALL | _SETUP | {"stopwatch", "accepted", "dialogue", "contacts"},
    Kind.CHANGE: _OF_ALL | _SETUP | {"first", "contacts"},
    Kind.HOSTILE: _OF_ALL
    | _SETUP
    | {"say", "replies", "closes", "ways", "each", "message", "log"}
    | {"early", "waiting", "port", *PEERS},
}


def setup_of(table: Mapping[str, Any]) -> Setup:
    """The setup that a table tells of."""
    values = {key: table[key] for key in _SETUP & table.keys()}
    if "tls" in values:
        values["tls"] = Tls(values["tls"])
    if "mechanisms" in values:
        values["mechanisms"] = tuple(values["mechanisms"])
    return Setup(**values)


def scenarios() -> list[Scenario]:
    """All that come with eximkit, in the order of their files."""
    folder = resources.files("eximkit.interop") / "scenarios"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".toml")),
        key=lambda file: file.name,
    )
    found = [
        scenario
        for file in files
        for scenario in load(file.read_text("utf-8"), file.name)
    ]
    names = [scenario.name for scenario in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InputError(f"two scenarios are called {', '.join(sorted(twice))}")
    return found


def load(text: str, name: str) -> list[Scenario]:
    """The scenarios of one file. name: of the file. Raises InputError."""
    try:
        whole = tomllib.loads(text)
        kind = Kind(whole.pop("kind"))
    except (tomllib.TOMLDecodeError, KeyError, ValueError) as error:
        raise InputError(f"{name}: {error}") from error
    return [
        scenario
        for title, table in whole.items()
        for scenario in _with_variants(title, table, kind, name)
    ]


def _with_variants(
    title: str, table: dict[str, Any], kind: Kind, name: str
) -> Iterator[Scenario]:
    variants = table.pop("variants", {})
    yield _scenario(title, table, kind, name)
    for variant, changes in variants.items():
        told = _merged(table, changes)
        yield _scenario(f"{title}-{variant}", told, kind, name)


def _scenario(title: str, told: dict[str, Any], kind: Kind, name: str) -> Scenario:
    unknown = told.keys() - _KEYS[kind]
    if unknown or not isinstance(told.get("shows"), str):
        fault = f"no such key: {', '.join(sorted(unknown))}" if unknown else "no shows"
        raise InputError(f"{name}: [{title}]: {fault}")
    try:
        setup_of(told)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: [{title}]: {error}") from error
    return Scenario(title, kind, told["shows"], told)


def _merged(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A table with changes: tables in it are merged, all else is replaced."""
    result = dict(table)
    for key, value in changes.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            result[key] = _merged(old, value)
        else:
            result[key] = value
    return result
