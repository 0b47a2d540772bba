"""`json`: the key leads from element to element of a JSON text.

Exim specification, section 9.3. Releases since 4.93, where it is built in.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from eximkit.expansion.lists import split_list
from eximkit.expansion.lookups.files import located, refusal
from eximkit.expansion.lookups.table import Table
from eximkit.expansion.values import ExpansionFailed
from eximkit.expansion.world import FileFailed, NotAllowed

if TYPE_CHECKING:
    from eximkit.expansion.lookups.kind import Kind
    from eximkit.expansion.lookups.table import Context

_INDEX = re.compile("[0-9]{1,9}", re.ASCII)
_CONTROL = re.compile(r"\\u00[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Json(Table):
    """A JSON value."""

    value: Any

    def find(self, key: str) -> str | None:
        """What the selectors of the key, a list, lead to."""
        found = self.value
        for selector in split_list(key)[1]:
            if _INDEX.fullmatch(selector):
                if not isinstance(found, list) or int(selector) >= len(found):
                    return None
                found = found[int(selector)]
            elif isinstance(found, dict) and selector in found:
                found = found[selector]
            else:
                return None
        return _octets(found if isinstance(found, str) else _written(found))


def _written(value: object) -> str:
    """The text of a value; what libraries write in more than one way is not told."""
    if value is None or _real_within(value):
        raise NotAllowed("the way that Exim writes a JSON null or a real number")
    text = json.dumps(value, ensure_ascii=False)
    return _CONTROL.sub(lambda found: "\\u" + found[0][2:].upper(), text)


def _real_within(value: object) -> bool:
    left: list[object] = [value]
    while left:
        item = left.pop()
        if isinstance(item, float):
            return True
        if isinstance(item, dict):
            left += item.values()
        elif isinstance(item, list):
            left += item
    return False


def _octets(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def open_json(context: Context, path: str, _kind: Kind) -> Json:
    """Raises ExpansionFailed, NotAllowed."""
    try:
        octets = context.world.read(located(context, path))
    except FileFailed as failed:
        raise refusal(failed, f"failed to open {path} for json search") from failed
    try:
        text = octets.encode("latin-1").decode()
        return Json(json.loads(text, parse_constant=_no_number))
    except (ValueError, RecursionError) as error:
        raise ExpansionFailed(f"{path} is not JSON: {error}") from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
