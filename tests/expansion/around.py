"""Cases that need a configuration, files, commands and an environment around them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from eximkit import load_config
from eximkit.catalog import release
from eximkit.config.environment import environment_of
from eximkit.expansion.values import Known
from eximkit.machine.world import Machine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from eximkit.expansion.environment import Environment

NAMES = ("acl_calls", "acl_words", "acls", "items", "lists", "refusals")
PLACE = "/FILES"
"""Where the files of a case are, as its texts name them."""

PROCESS = {"FOO": "bar", "KEPT_X": "kx", "KEPT_NOT": "kn", "LEFT": "l"}
"""The environment of the process."""


@dataclass(frozen=True, slots=True)
class Case:
    """A string and what comes of it: a value, or a failure of some kind."""

    text: str
    value: str | None = None
    fails: str = ""
    kind: str = "value"


@dataclass(frozen=True, slots=True)
class Around:
    """A configuration, files by name, and the strings that are evaluated there."""

    config: str
    case: tuple[Case, ...]
    files: Mapping[str, str] = field(default_factory=dict)

    def written(self, folder: Path) -> Path:
        """The configuration, written with its files into a folder."""
        for name, text in self.files.items():
            (folder / name).write_text(text.replace(PLACE, str(folder)))
        place = folder / "exim.conf"
        place.write_text(self.config.replace(PLACE, str(folder)))
        return place


def around(name: str, checkout: Path) -> Around:
    """The cases of `tests/cases/expand_NAME.toml`."""
    path = checkout / "tests" / "cases" / f"expand_{name}.toml"
    read = tomllib.loads(path.read_text("utf-8"))
    cases = tuple(Case(**case) for case in read["case"])
    return Around(read["config"], cases, read.get("files", {}))


def environment(config: Path) -> Environment:
    """What a 4.96 knows under a configuration, called by root in UTC."""
    host = "myhost.test.ex"
    known = environment_of(
        load_config(config, release="4.96"),
        release("4.96"),
        world=Machine(("files", "env", "run")),
        variables={"sender_address": Known(f"root@{host}")},
        headers={},
        offset=lambda _zone: lambda _time: 0,
    )
    return replace(known, addresses=frozenset({"127.0.0.1", "::1"}))
