"""`.eximkit.toml`: the options of `eximkit lint` as a project keeps them. No I/O.

exim-version = "4.96"
root = "tests/root"          # below the directory of this file
define = ["SMARTHOST=mx.example.org"]
select = ["EXP", "EXS"]
ignore = ["EXP107"]
fail-on = "error"
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.errors import SettingsError
from eximkit.lint.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

FILE_NAME = ".eximkit.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a settings file says; None and () where it says nothing.

    directory: that of the file, below which `root` stands.
    """

    exim_version: str | None = None
    root: str | None = None
    define: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: Severity | None = None
    directory: str = ""


def parse_settings(text: str, path: str) -> Settings:
    """The settings of a TOML text. Raises SettingsError with path, line and column."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from None
    values: dict[str, object] = {}
    for key, value in data.items():
        if key not in _KEYS:
            known = ", ".join(_KEYS)
            raise SettingsError(
                f"{_where(text, path, key)}: no setting {key!r}; there are: {known}"
            )
        read, what = _KEYS[key]
        try:
            values[key.replace("-", "_")] = read(value)
        except (TypeError, ValueError):
            raise SettingsError(
                f"{_where(text, path, key)}: {key} must be {what}"
            ) from None
    return Settings(directory=path.rpartition("/")[0], **values)  # type: ignore[arg-type]


def _where(text: str, path: str, key: str) -> str:
    """The place of a key at the top of a TOML text."""
    pattern = re.compile(
        rf"""^[ \t]*["']?{re.escape(key)}["']?[ \t]*[=.]""", re.MULTILINE
    )
    match = pattern.search(text) or re.search(re.escape(key), text)
    if match is None:
        return path
    at = match.start() + len(match[0]) - len(match[0].lstrip())
    line = text.count("\n", 0, at) + 1
    return f"{path}:{line}:{at - text.rfind(chr(10), 0, at)}"


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(map(_string, value))


_KEYS: dict[str, tuple[Callable[[object], object], str]] = {
    "exim-version": (_string, 'a string such as "4.96"'),
    "root": (_string, "a string"),
    "define": (_strings, "a list of strings NAME=VALUE"),
    "select": (_strings, "a list of codes or beginnings of codes"),
    "ignore": (_strings, "a list of codes or beginnings of codes"),
    "fail-on": (
        lambda value: Severity(_string(value)), '"error", "warning" or "info"'
    ),
}  # fmt: skip
