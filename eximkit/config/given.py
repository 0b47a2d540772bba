"""Variables and header lines that somebody sets by hand, as no message does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion.defect import is_header
from eximkit.expansion.refusals import user_variable
from eximkit.expansion.values import Known
from eximkit.source import display

if TYPE_CHECKING:
    from eximkit.catalog import Release
    from eximkit.expansion.values import Value

_HEADER_NAME = re.compile(r"[!-9;-~]+")


class Given:
    """What is set. Both maps go into an `Environment` and may grow under it."""

    __slots__ = ("headers", "release", "variables")

    def __init__(self, release: Release, before: Given | None = None) -> None:
        self.release = release
        self.variables: dict[str, Value] = dict(before.variables) if before else {}
        self.headers: dict[str, Value] = dict(before.headers) if before else {}

    def set(self, name: str, value: str) -> str:
        """Set a variable (`1`, `acl_m_x`, `domain`) or a header line (`h_subject`).

        name: octets, with or without `$`. The answer is why that cannot be done, or "".
        """
        name = name.removeprefix("$")
        if is_header(name):
            header = name.partition("_")[2].removesuffix(":")
            if not _HEADER_NAME.fullmatch(header):
                return f"{display(name)} names no header line"
            self.headers[header.lower()] = Known(value)
            return ""
        entry = catalog.variable(name)
        if entry is None:
            near = catalog.suggest(name, catalog.variable_names(self.release))
            hint = f"; did you mean {near}?" if near else user_variable(name)
            return f"{display(name) or 'nothing'} is no variable{hint}"
        if not entry.in_release(self.release):
            return f"Exim {self.release} has no variable {name}"
        self.variables[name] = Known(value)
        return ""
