"""Exim's own test whether `helo_data` is known before there is a connection.

It looks for words in the text of the option, before any expansion (checked with 4.96).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eximkit.catalog import Release

ADDRESS = "sending_ip_address"
PLAIN = "$" + ADDRESS
GUARD = "def:" + ADDRESS


def text_permits(text: str | None, release: Release) -> bool:
    """Whether that test permits early pipelining. text: None where it is not set.

    The interface, which may lift the test, is not considered.
    """
    if text is None or release.numbers[:2] < (4, 93):
        return True
    return PLAIN not in text or GUARD in text


def interface_lifts(release: Release) -> bool:
    """Whether a bound `interface` lifts the test."""
    return release.numbers[:2] >= (4, 96)
