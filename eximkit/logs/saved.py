"""Counts as plain data for JSON, and back, without a loss.

What is written follows from the types of the fields: a counter that is added to
`Summary` is saved without a word here, and a type that is not known is a TypeError.
Data that is read was written by anybody: it is looked at as closely as the types allow.

    int, float, str, bool, None    as they are; bytes as the text of the same octets
    tuple, set, NamedTuple         lists; sets sorted
    dict                           a list of pairs, for keys need not be text
    dataclass                      an object, by the names of its fields
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from math import isfinite
from typing import Any, NamedTuple, TypeVar

from eximkit.errors import InputError
from eximkit.logs.summary import Summary

T = TypeVar("T")

LARGEST = (1 << 63) - 1
"""No number is greater. Fields and the values of tables are counts: not negative."""


class _Coder(NamedTuple):
    """How values of one type are written and read. `read` raises `_Unfit`."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


class _Unfit(Exception):
    """Data is not what the type demands. place: names and numbers, innermost first."""

    def __init__(self, wanted: str) -> None:
        super().__init__(wanted)
        self.place: list[str] = []


def as_data(value: object) -> Any:  # noqa: ANN401 - what json.dumps takes
    """A `Summary`, or another dataclass of counts, as data that JSON can hold."""
    return _coder(type(value)).write(value)


def from_data(kind: type[T], data: object) -> T:
    """The value that `as_data` made the data of.

    A field that is not there has its default: the data may be of an earlier release.
    Raises InputError that names the place where the data is something else.
    """
    try:
        value: T = _coder(kind).read(data)
    except _Unfit as error:
        place = ".".join(reversed(error.place)) or "the whole"
        raise InputError(f"{place}: {error}") from None
    except RecursionError:
        raise InputError("nested too deeply") from None
    return value


def summary_from_data(data: object) -> Summary:
    """A `Summary` that can be added to others. Raises InputError."""
    found = from_data(Summary, data)
    total = Summary()
    try:
        # What does not add up would fail later, and less politely.
        total.update(found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"is not complete ({error})") from None
    if _limits(found) != _limits(total):
        raise InputError("its tables have other limits than those of this release")
    return total


def _limits(value: object) -> list[int]:
    """The limits of the bounded tables in a dataclass, in the order of its fields."""
    if isinstance(value, Mapping):
        return [n for part in value.values() for n in _limits(part)]
    if not is_dataclass(value) or isinstance(value, type):
        return []
    found: list[int] = []
    for field in fields(value):
        part = getattr(value, field.name)
        found += [part] if field.name == "limit" else _limits(part)
    return found


def _coder(kind: Any) -> _Coder:  # noqa: ANN401 - a type as typing has them
    return _made(kind)


def _counted(kind: Any) -> _Coder:  # noqa: ANN401
    """As `_coder`, of what is a count where it is a number."""
    return _COUNT if kind is int else _coder(kind)


@cache
def _made(kind: Any) -> _Coder:  # noqa: ANN401
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        return _optional(kind, arguments)
    if origin is tuple:
        return _tuple(arguments)
    if origin is set or origin is frozenset:
        return _set(origin, _coder(arguments[0]))
    if origin is dict or origin is Mapping:
        return _dict(_coder(arguments[0]), _counted(arguments[1]))
    if origin is list:
        return _list(_coder(arguments[0]))
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _named(kind)
    raise TypeError(f"counts of the type {kind} cannot be saved")


def _int(data: object) -> int:
    if type(data) is int and abs(data) <= LARGEST:
        return data
    raise _Unfit("no number")


def _count(data: object) -> int:
    if type(data) is int and 0 <= data <= LARGEST:
        return data
    raise _Unfit("no count")


def _float(data: object) -> float:
    if type(data) in {int, float} and isfinite(data) and data >= 0:  # type: ignore[arg-type,operator]
        return float(data)  # type: ignore[arg-type]
    raise _Unfit("no number")


def _str(data: object) -> str:
    if isinstance(data, str):
        return data
    raise _Unfit("no text")


def _bool(data: object) -> bool:
    if isinstance(data, bool):
        return data
    raise _Unfit("neither true nor false")


def _none(data: object) -> None:
    if data is not None:
        raise _Unfit("not null")


def _bytes(data: object) -> bytes:
    try:
        return _str(data).encode("latin-1")
    except UnicodeEncodeError:
        raise _Unfit("no octets") from None


def _same(value: Any) -> Any:  # noqa: ANN401
    return value


_COUNT = _Coder(_same, _count)
_PLAIN: dict[Any, _Coder] = {
    int: _Coder(_same, _int),
    float: _Coder(_same, _float),
    str: _Coder(_same, _str),
    bool: _Coder(_same, _bool),
    bytes: _Coder(lambda value: value.decode("latin-1"), _bytes),
    type(None): _Coder(_same, _none),
}


def _optional(kind: object, arguments: tuple[Any, ...]) -> _Coder:
    others = [each for each in arguments if each is not type(None)]
    if len(others) != 1 or len(arguments) != 2:
        raise TypeError(f"counts of the type {kind} cannot be saved")
    coder = _coder(others[0])
    return _Coder(
        lambda value: None if value is None else coder.write(value),
        lambda data: None if data is None else coder.read(data),
    )


def _items(data: object, length: int | None = None) -> list[Any]:
    if not isinstance(data, list) or length not in {None, len(data)}:
        raise _Unfit("no list" if length is None else f"no list of {length}")
    return data


def _each(coder: _Coder, items: list[Any]) -> list[Any]:
    found: list[Any] = []
    read = coder.read
    try:
        for item in items:
            found.append(read(item))  # noqa: PERF401 - its length tells the place
    except _Unfit as error:
        error.place.append(str(len(found)))
        raise
    return found


def _list(coder: _Coder) -> _Coder:
    return _Coder(
        lambda value: [coder.write(each) for each in value],
        lambda data: _each(coder, _items(data)),
    )


def _tuple(arguments: tuple[Any, ...]) -> _Coder:
    if len(arguments) == 2 and arguments[1] is ...:
        many = _list(_coder(arguments[0]))
        return _Coder(many.write, lambda data: tuple(many.read(data)))
    coders = [_coder(each) for each in arguments]
    return _Coder(
        lambda value: [c.write(v) for c, v in zip(coders, value, strict=True)],
        lambda data: tuple(
            c.read(d) for c, d in zip(coders, _items(data, len(coders)), strict=True)
        ),
    )


def _named(kind: Any) -> _Coder:  # noqa: ANN401
    hints = typing.get_type_hints(kind)
    coder = _tuple(tuple(hints[name] for name in kind._fields))
    return _Coder(coder.write, lambda data: kind._make(coder.read(data)))


def _set(origin: type[Any], coder: _Coder) -> _Coder:
    return _Coder(
        lambda value: sorted(coder.write(each) for each in value),
        lambda data: origin(_each(coder, _items(data))),
    )


def _dict(key: _Coder, value: _Coder) -> _Coder:
    def read(data: object) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        items = _items(data)
        for item in items:
            first, second = _items(item, 2)
            name = key.read(first)
            try:
                found[name] = value.read(second)
            except _Unfit as error:
                error.place.append(str(first))
                raise
        if len(found) != len(items):
            raise _Unfit("the same key twice")
        return found

    return _Coder(
        lambda table: [[key.write(k), value.write(v)] for k, v in table.items()], read
    )


def _dataclass(kind: Any) -> _Coder:  # noqa: ANN401
    hints = typing.get_type_hints(kind)
    known: dict[str, Field[Any]] = {each.name: each for each in fields(kind)}
    coders = {name: _counted(hints[name]) for name in known}

    def read(data: object) -> Any:  # noqa: ANN401
        if not isinstance(data, dict):
            raise _Unfit("no object")
        values: dict[str, Any] = {}
        for name, part in data.items():
            if name not in known:
                raise _Unfit(f"{name!r} is not known: made by another release?")
            try:
                values[name] = coders[name].read(part)
            except _Unfit as error:
                error.place.append(name)
                raise
        for name, each in known.items():
            if name in values:
                continue
            if each.default is MISSING and each.default_factory is MISSING:
                raise _Unfit(f"without {name!r}")
        return kind(**values)

    return _Coder(
        lambda value: {n: c.write(getattr(value, n)) for n, c in coders.items()}, read
    )
