"""Header lines as variables show them (Exim specification, section 11.5, header_…).

A header's text is what stands after its colon. Where there are several headers of one
name, a line end without a blank after it parts them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit.expansion.rfc2047 import decode
from eximkit.expansion.values import Known, NotPure, Value
from eximkit.expansion.world import NotAllowed
from eximkit.source import BLANK

if TYPE_CHECKING:
    from eximkit.expansion.evaluate import Evaluator
    from eximkit.expansion.nodes import Header
    from eximkit.expansion.textsettings import TextSettings

_BETWEEN = re.compile(r"\n(?![ \t])")
_ADDRESSES = frozenset((
    "bcc", "cc", "from", "reply-to", "resent-bcc", "resent-cc", "resent-from",
    "resent-reply-to", "resent-sender", "resent-to", "sender", "to",
))  # fmt: skip
"""Headers that hold addresses: a comma ends each but the last."""


def header(evaluator: Evaluator, node: Header) -> Value:
    """The value of a header node."""
    value = evaluator.environment.header(node.kind, node.name)
    settings = evaluator.settings
    if settings is None or not isinstance(value, Known) or not value.text:
        return value
    try:
        text = shown(node.kind, node.name, value.text, settings)
    except NotPure as unknown:
        raise NotAllowed(unknown.reason) from None
    return Known(text, value.depends)


def shown(kind: str, name: str, text: str, settings: TextSettings) -> str:
    """What `$h_name:` gives (kind h), or its forms rh, bh and lh."""
    if kind == "rh":
        return text
    lines = [line for line in _BETWEEN.split(text) if line.strip(BLANK)]
    if kind == "lh":
        return ":".join(line.replace(":", "::") for line in lines)
    joint = ",\n" if name.lower() in _ADDRESSES else "\n"
    joined = joint.join(line.strip(BLANK) for line in lines)
    charset = settings.headers_charset if kind == "h" else None
    return decode(joined, charset, check_length=settings.check_rfc2047_length)
