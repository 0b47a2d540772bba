"""A defect, as the readers of configurations and expansions report it.

Readers never raise on what a user wrote: they note a problem and go on. The linter
turns each into a finding of the rule that owns its code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eximkit.source import Place


@dataclass(frozen=True, slots=True)
class Problem:
    """One defect.

    code: the rule that owns it. message: one sentence, what is wrong. hint: what to do
    ("did you mean ..."), or "". replacement: the text that would mend [place.start,
    place.end), or None. refuses: Exim refuses to load the file for it. related: other
    places that explain it, each with a sentence. section, driver, option: where it
    stands, as far as known.
    """

    code: str
    message: str
    place: Place
    hint: str = ""
    replacement: str | None = None
    refuses: bool = False
    related: tuple[tuple[str, Place], ...] = ()
    section: str | None = None
    driver: str | None = None
    option: str | None = None
