"""The recorded answers of Exim 4.96, and what eximkit answers in the same place."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from eximkit import catalog
from eximkit.config.console import Console, macro_table
from eximkit.config.environment import environment_of
from eximkit.config.given import Given
from eximkit.expansion.limits import Limits
from eximkit.expansion.values import Failure
from eximkit.files import load_config
from tests.expansion.corpus_world import ANSWERED, TOP, CorpusWorld

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from eximkit.config.macros import MacroTable
    from eximkit.expansion.environment import Environment

RELEASE = "4.96"
PROBE_DATA = 'k1: v1\nk2: a=1 b="two words"\n*: star\n'
FILES = {f"{TOP}/probe.data": PROBE_DATA, "/etc/passwd": "root:x:0:0::/root:/bin/sh\n"}
# Options of the command line that set variables, each with its value after it.
SENDER_OPTIONS = {
    "-f": "sender_address",
    "-oMa": "sender_host_address",
    "-oMaa": "sender_host_authenticated",
    "-oMai": "authenticated_id",
    "-oMas": "authenticated_sender",
    "-oMi": "received_ip_address",
    "-oMr": "received_protocol",
    "-oMs": "sender_host_name",
    "-oMt": "sender_ident",
}
WITH_PORT = {
    "sender_host_address": "sender_host_port",
    "received_ip_address": "received_port",
}
FORMER = {
    "received_ip_address": "interface_address",
    "received_port": "interface_port",
}
HOST = "myhost.test.ex"


@dataclass(frozen=True, slots=True)
class Answer:
    """ok: it expanded, and text is the value. Else text is the message, kind why."""

    ok: bool
    text: str
    kind: str | None = None


def rows(path: Path, *tags: str) -> list[dict[str, Any]]:
    """The lines of a file of answers that are to be compared, and those tagged so."""
    lines = path.read_text("utf-8").split("\n")
    found = [json.loads(line) for line in lines if line]
    return [row for row in found if row.get("tag") in {None, *tags}]


def recorded(row: dict[str, Any]) -> Answer:
    """What Exim said."""
    if row["ok"]:
        return Answer(True, row["output"])
    return Answer(False, row["error"], row.get("kind"))


def console(
    config: Path | None,
    folder: Path,
    arguments: tuple[str, ...] = (),
    at: float = ANSWERED,
) -> Console:
    """A dialogue with what Exim knew: configuration, options it was given, time."""
    environment, given, macros = _known(config, folder, arguments, at)
    return Console(environment, given, macros, Limits(), settable=False)


@cache
def _known(
    config: Path | None, folder: Path, arguments: tuple[str, ...], at: float
) -> tuple[Environment, Given, MacroTable]:
    release = catalog.release(RELEASE)
    given = Given(release)
    read = None
    if config is not None:
        read = load_config(config, release=release, defines=_defines(arguments))
    environment = environment_of(
        read,
        release,
        world=CorpusWorld(folder, FILES, at=at),
        variables=given.variables,
        headers=given.headers,
        offset=lambda _zone: lambda _seconds: 0,
    )
    environment = replace(
        environment, options={"primary_hostname": HOST, **environment.options}
    )
    for name, value in _sender(arguments).items():
        assert not given.set(name, value)
    return environment, given, macro_table(read, release, ())


def _defines(arguments: tuple[str, ...]) -> list[str]:
    return [text[2:] for text in arguments if text.startswith("-D")]


def _sender(arguments: tuple[str, ...]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    given = iter(arguments)
    for option in given:
        if option.startswith("-p"):
            protocol, _, host = option[2:].partition(":")
            found |= {"received_protocol": protocol, "sender_host_name": host}
        elif option in SENDER_OPTIONS:
            found[SENDER_OPTIONS[option]] = next(given)
    for name, port in WITH_PORT.items():
        parts = found.get(name, "").split(".")
        if len(parts) == 5:
            found[name], found[port] = ".".join(parts[:4]), parts[4]
    for name, former in FORMER.items():
        if name in found:
            found[former] = found[name]
    return found


def answer(text: str, known: Console) -> Answer:
    """What eximkit says; never an exception."""
    result = known.answer(text, "string").result
    if isinstance(result, Failure):
        return Answer(False, result.message, result.kind)
    return Answer(True, result.text)


def agrees(theirs: Answer, ours: Answer) -> bool:
    """The same value, or the same failure.

    Of a string that makes no sense eximkit speaks in words of its own: what it names
    must be what Exim names.
    """
    if theirs.ok or ours.ok:
        return (theirs.ok, theirs.text) == (ours.ok, ours.text)
    if ours.kind != "syntax":
        return theirs.text == ours.text and theirs.kind != "syntax"
    return theirs.kind in MALFORMED and same_name(theirs.text, ours.text)


MALFORMED = frozenset((None, "syntax", "version/build"))
"""Kinds that a malformed string can have in a record; the probes do not tell."""

OFFENDER = re.compile(
    r'unknown [a-z -]+ "(?P<unknown>[^"]*)"|unknown variable in "\$\{(?P<braced>[^"}]*)'
    r"|arguments for '(?P<item>\w+)'|after underscore in \"(?P<operator>\w+)\""
    r'|^"\$\{(?P<beginning>\w+)" is not a known|string in \{\} after "(?P<short>\w+)"'
)
SHOWN = 40
"""Characters of a long name that a message surely shows."""


def same_name(theirs: str, ours: str) -> bool:
    """Whether our message has the name that theirs complains of, if it has one."""
    found = OFFENDER.search(theirs)
    return found is None or (found[found.lastgroup or 0] or "")[:SHOWN] in ours
