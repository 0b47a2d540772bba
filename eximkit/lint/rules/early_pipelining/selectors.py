"""What `log_selector` asks for (Exim specification, section 52.15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.source import BLANK

if TYPE_CHECKING:
    from eximkit.config.model import Config


def selected(config: Config, name: str) -> bool:
    """Whether a selector that is off by default is on: `+` and `-` words, in order."""
    on = False
    for word in config.options.text("log_selector").split():
        if word[1:].strip(BLANK) in (name, "all"):
            on = word.startswith("+")
    return on
