"""Says what is wrong with an expansion that could not be parsed.

The parser's own stack tells what is still open; from it come the frames, outermost
first: an item, its condition, a brace. What the innermost frame was waiting for, and
what stood there instead, make the message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lark import Token, Tree

from eximkit import catalog, grammar
from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.check import unknown_condition
from eximkit.expansion.frames import (
    CONDITIONS,
    ITEMS,
    Frame,
    in_clause,
    in_string,
    open_frames,
)
from eximkit.expansion.misplaced import dollar, is_operator, runaway_header
from eximkit.expansion.nodes import Condition, Node
from eximkit.expansion.walk import children
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lark import UnexpectedInput

_WORD = re.compile(r"\$?[A-Za-z0-9_]{1,60}|.", re.DOTALL)
_ORDINAL = ("first", "second", "third")
_YES_AND_NO = 2


@dataclass(slots=True)
class Scene:
    """The whole situation: where, what stands there, what is open."""

    text: str
    at: int
    frames: list[Frame] = field(default_factory=list)

    @property
    def found(self) -> str:
        word = _WORD.match(self.text, self.at)
        return word[0] if word else ""

    @property
    def item(self) -> Frame:
        """The innermost item, operator or the like."""
        return next(f for f in reversed(self.frames) if f.kind in ITEMS)

    def error(
        self, message: str, hint: str = "", code: str = "EXS202"
    ) -> ExpansionSyntaxError:
        """About what was found; at the end of the text, about what is still open."""
        if self.at >= len(self.text):
            item = self.item
            return ExpansionSyntaxError(message, item.start, item.end, hint, code)
        end = self.at + len(self.found)
        return ExpansionSyntaxError(message, self.at, end, hint, code)


def diagnose(text: str, error: UnexpectedInput) -> ExpansionSyntaxError:
    """The error to raise: what, where and what to do."""
    at = grammar.position(error, text)
    stack = grammar.still_open(error)
    first = _unknown_condition(stack)
    if first is not None:
        return first
    frames = open_frames(stack)
    if not frames or in_string(frames):
        if at < len(text):
            return dollar(text, at)
    else:
        at += len(text[at:]) - len(text[at:].lstrip(BLANK))
    if at >= len(text):
        swallowed = runaway_header(text)
        if swallowed is not None:
            return swallowed
    scene = Scene(text, at, frames)
    if in_string(frames):
        return _unclosed_string(scene)
    return _EXPLAIN[frames[-1].kind](scene)


def _unknown_condition(stack: Iterable[object]) -> ExpansionSyntaxError | None:
    """About the first name in a condition's place that is none.

    How many strings it would have had is unknown, so what comes after it makes no
    sense by its own fault.
    """
    waiting = list(reversed(list(stack)))
    while waiting:
        value = waiting.pop()
        if isinstance(value, Tree):
            waiting.extend(reversed(value.children))
        elif isinstance(value, Token) and value.type == "CONDITION":
            name = value.lstrip(BLANK)
            if name != "def":
                return _not_a_condition(name, (value.end_pos or 0) - len(name))
        elif isinstance(value, Condition) and not catalog.condition(value.name):
            return _not_a_condition(value.name, value.name_start)
        if isinstance(value, Node):
            waiting.extend(reversed(children(value)))
    return None


def _not_a_condition(name: str, start: int) -> ExpansionSyntaxError:
    defect = unknown_condition(name, start, catalog.NEWEST)
    return ExpansionSyntaxError(
        defect.message, defect.start, defect.end, defect.hint, defect.code
    )


# ---- what to say, by what is innermost -----------------------------------------------


def _missing(scene: Scene) -> str:
    """How many braces would close everything."""
    count = sum(f.kind not in CONDITIONS for f in scene.frames)
    return "a closing brace is missing" if count == 1 else (
        f"{count} closing braces are missing")  # fmt: skip


def _unclosed_string(scene: Scene) -> ExpansionSyntaxError:
    item = scene.item
    if item.kind == "OPERATOR":
        message = f"`{item.name}` is still open: its text has no `}}`"
    else:
        owner = scene.frames[-2]
        number = owner.strings + (owner.condition != "")
        what = "string" if owner.kind in CONDITIONS else "argument"
        order = _ORDINAL[number] if number < len(_ORDINAL) else "last"
        if owner.kind == "IF":
            order, what = ("yes", "no")[min(owner.strings, 1)], "string"
        of = f" of `{owner.name}`" if owner is not item else ""
        message = f"`{item.name}` is still open: the {order} {what}{of} has no `}}`"
    return scene.error(message, _missing(scene))


def _in_if(scene: Scene) -> ExpansionSyntaxError:
    frame = scene.frames[-1]
    if not frame.condition:
        return _no_condition(scene, f"`{frame.name}`")
    return _in_tail(scene, frame.strings, f"the condition `{frame.condition}`")


def _in_tail(scene: Scene, strings: int, before: str) -> ExpansionSyntaxError:
    """Between the yes and no strings, of which `strings` are there."""
    frame = scene.frames[-1]
    if scene.at >= len(scene.text):
        last = (before, "the yes string", "the no string")[min(strings, _YES_AND_NO)]
        return scene.error(
            f"`{frame.name}` is still open: it has no `}}` after {last}",
            _missing(scene),
        )
    found = scene.found
    if strings >= _YES_AND_NO:
        what = "a third string" if found == "{" else f"`{found}`"
        return scene.error(
            f"{what} follows the yes and no strings of `{frame.name}`",
            _raw_hint(frame) or "count the braces before it",
        )
    if strings == 1:
        if found.lower().startswith("fail"):
            return scene.error(
                f"`{found}` stands where only `fail` can (or a string in braces)",
                "did you mean `fail`?",
            )
        return scene.error(
            f"`{found}` follows the yes string of `{frame.name}`, which only "
            "`{`, `fail` or `}` can",
            f"put the no string in braces: `{{{found}}}`",
        )
    if found == ":" and frame.condition == "def":
        return scene.error(
            "a colon follows the variable after `def:`",
            "only the names of headers end with a colon",
            "EXS205",
        )
    if found == "fail":
        return scene.error(
            f"`fail` stands before the yes string of `{frame.name}`",
            "write `{$value}fail`, or `{}fail`",
        )
    return scene.error(
        f"`{found}` follows {before} in `{frame.name}`, which only `{{` or `}}` can",
        f"put the yes string in braces: `{{{found}}}`",
    )


def _raw_hint(frame: Frame) -> str:
    if not frame.condition.startswith("match_"):
        return ""
    return (
        f"the second string of `{frame.condition}` is not expanded: "
        "the first `}` in it ends it"
    )


def _no_condition(scene: Scene, where: str) -> ExpansionSyntaxError:
    if scene.at >= len(scene.text):
        return scene.error(f"a condition is missing after {where}", _missing(scene))
    return scene.error(
        f"a condition is expected after {where}, but `{scene.found}` stands there",
        "conditions are words such as `eq{a}{b}`, `def:name` or `match{a}{b}`",
    )


def _in_open(scene: Scene) -> ExpansionSyntaxError:
    """In a brace that holds conditions, or the strings of `acl`, not text."""
    frame, owner = scene.frames[-1], scene.frames[-2]
    if not in_clause(scene.frames):
        if scene.at >= len(scene.text):
            return scene.error(
                f"`{scene.item.name}` is still open: `{owner.name}{{` has no `}}`",
                _missing(scene),
            )
        what = "condition" if owner.kind == "LOGIC" else "argument"
        return scene.error(
            f"each {what} in `{owner.name}{{...}}` needs braces of its own, "
            f"but `{scene.found}` stands there",
            f"write `{owner.name}{{{{...}}{{...}}}}`",
        )
    if not frame.condition:
        return _no_condition(scene, "`{`")
    if scene.at >= len(scene.text):
        return scene.error(
            f"`{scene.item.name}` is still open: the brace round the condition "
            f"`{frame.condition}` has no `}}`",
            _missing(scene),
        )
    return scene.error(
        f"`{scene.found}` follows the condition `{frame.condition}`, "
        "which only `}` can",
        _raw_hint(frame),
    )


def _in_condition(scene: Scene) -> ExpansionSyntaxError:
    """A condition that has not got all its strings."""
    frame = scene.frames[-1]
    which = _ORDINAL[frame.strings]
    message = f"the {which} string of `{frame.name}` is missing"
    if scene.at >= len(scene.text):
        return scene.error(message, _missing(scene))
    if scene.found == "}":
        return scene.error(message, f"write `{frame.name}{{...}}{{...}}`")
    return scene.error(
        f"{message}: `{{` is expected, but `{scene.found}` stands there",
        "each string of a condition is in braces",
    )


def _in_quantifier(scene: Scene) -> ExpansionSyntaxError:
    frame = scene.frames[-1]
    what = "condition" if frame.strings else "list"
    return scene.error(
        f"the {what} of `{frame.name}` is missing: `{{` is expected",
        f"write `{frame.name}{{list}}{{condition}}`",
    )


def _in_group(scene: Scene) -> ExpansionSyntaxError:
    name = scene.frames[-1].name
    return scene.error(
        f"`{{` is expected after `{name}`", f"write `{name}{{{{...}}{{...}}}}`"
    )


def _in_def(scene: Scene) -> ExpansionSyntaxError:
    """After `def` without a name."""
    frame = scene.frames[-1]
    if scene.found != ":":
        return scene.error(
            "`def` is not followed by a colon",
            "write `def:name`, with nothing between",
            "EXS205",
        )
    colon = scene.at
    after = scene.text[colon + 1 :]
    blanks = len(after) - len(after.lstrip(BLANK))
    if frame.end < colon:
        message, start, end = "a blank stands before the colon", frame.end, colon
    elif blanks:
        message, start, end = "a blank follows `def:`", colon + 1, colon + 1 + blanks
    else:
        message, start, end = "`def:` names nothing", frame.start, colon + 1
    hint = "write `def:name`: no blank, no $, no braces"
    return ExpansionSyntaxError(message, start, end, hint, "EXS205")


def _in_item(scene: Scene) -> ExpansionSyntaxError:
    frame = scene.frames[-1]
    name = frame.name.removeprefix("${")
    if scene.at >= len(scene.text):
        return scene.error(f"`{frame.name}` is still open", _missing(scene))
    if frame.condition:
        return scene.error(
            f"`{scene.found}` follows the condition of `{frame.name}`, "
            "which only `}` can",
            "count the braces before it",
        )
    if frame.strings:
        return scene.error(
            f"`{scene.found}` follows an argument of `{frame.name}`, "
            "which only `{` or `}` can",
            "put it in braces, or count the braces before it",
        )
    if scene.found == ":":
        return scene.error(
            f"a blank stands before the colon of `{frame.name}`",
            f"write `${{{name}:`",
        )
    return scene.error(
        f"`{scene.found}` follows `{frame.name}`, which only `{{` can",
        _meant(name, scene.found),
    )


def _meant(name: str, found: str) -> str:
    """What the user may have wanted of `${name found`."""
    if is_operator(name) and (found.startswith("$") or not catalog.variable(name)):
        return f"`{name}` is an operator: write `${{{name}:{found}...}}`"
    if catalog.variable(name):
        return f"write `${{{name}}}` for the variable"
    return f"write `${{{name}{{...}}}}`: each argument is in braces"


def _in_lookup(scene: Scene) -> ExpansionSyntaxError:
    frame = scene.frames[-1]
    if not frame.typed:
        return scene.error(
            "the type of the lookup is missing",
            "write `${lookup{key}type{file}}` or `${lookup type{query}}`",
        )
    if not frame.strings:
        return scene.error(
            "`{` is expected after the type of the lookup",
            "options follow the type after commas, without blanks",
        )
    return _in_tail(scene, frame.strings - 1, "the file or query")


def _in_filter(scene: Scene) -> ExpansionSyntaxError:
    frame = scene.frames[-1]
    if frame.strings > 1 or frame.condition:
        return _in_item(scene)
    what = "condition" if frame.strings else "list"
    return scene.error(
        f"the {what} of `{frame.name}` is missing: `{{` is expected",
        "write `${filter{list}{condition}}`",
    )


_EXPLAIN: dict[str, Callable[[Scene], ExpansionSyntaxError]] = {
    "IF": _in_if,
    "ITEM": _in_item,
    "JSON": _in_item,
    "LOOKUP": _in_lookup,
    "FILTER": _in_filter,
    "OPEN": _in_open,
    "UNARY": _in_condition,
    "BINARY": _in_condition,
    "LIST_MATCH": _in_condition,
    "QUANTIFIER": _in_quantifier,
    "LOGIC": _in_group,
    "GROUPED": _in_group,
    "CONDITION": _in_def,
}
