"""Requests of `eximkit expand --jsonl`, read one by one however many there are."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from eximkit.errors import InputError
from eximkit.source import octets

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_LIMIT = 1 << 23
"""The octets of the longest line that is read."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be expanded, and with which variables; all of it octets."""

    expression: str
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that is no request, and why."""

    message: str


def requests(stream: BinaryIO) -> Iterator[Request | Malformed]:
    """Each line of a stream that is not blank. Raises InputError."""
    number = 0
    while line := _read(stream):
        number += 1
        if len(line) > LINE_LIMIT and not line.endswith(b"\n"):
            _skip(stream)
            yield Malformed(f"line {number}: longer than {LINE_LIMIT} octets")
        elif line.strip():
            yield _parse(line, number)


def _parse(line: bytes, number: int) -> Request | Malformed:
    try:
        data = json.loads(line.rstrip(b"\r\n").decode("utf-8", "surrogateescape"))
    except json.JSONDecodeError as error:
        where = f"line {number}, column {error.pos + 1}"
        return Malformed(f"{where}: not JSON: {error.msg}")
    except RecursionError:
        return Malformed(f"line {number}: not JSON: nested too deep")
    except ValueError:
        return Malformed(f"line {number}: not JSON: a number has too many digits")
    wrong = _shape(data)
    if wrong:
        return Malformed(f"line {number}: {wrong}")
    given = data.get("set") or {}
    try:
        return Request(
            octets(data["expr"]),
            {octets(name): octets(value) for name, value in given.items()},
        )
    except UnicodeEncodeError:
        return Malformed(
            f"line {number}: a surrogate beyond \\udc80 to \\udcff is no octet"
        )


def _shape(data: object) -> str:
    """What is wrong with the shape of a request, or ""."""
    if not isinstance(data, dict) or not isinstance(data.get("expr"), str):
        return 'an object with a string "expr" is expected'
    unknown = [name for name in data if name not in {"expr", "set"}]
    if unknown:
        return f'no request has the key {unknown[0]!r}; there are "expr" and "set"'
    given = data.get("set")
    if given is not None and not (
        isinstance(given, dict) and all(isinstance(v, str) for v in given.values())
    ):
        return '"set" is an object whose values are strings'
    return ""


def _read(stream: BinaryIO) -> bytes:
    try:
        return stream.readline(LINE_LIMIT + 1)
    except OSError as error:
        raise InputError(f"standard input: {error.strerror}") from error


def _skip(stream: BinaryIO) -> None:
    """Read on to the end of a line that is too long."""
    while part := _read(stream):
        if part.endswith(b"\n"):
            return
