"""Edits that would mend a finding. The engine verifies each before it is offered.

Every function gives (fix, reason): no fix has a reason why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.nodes import If, Variable
from eximkit.expansion.walk import walk
from eximkit.lint.finding import Edit, Fix
from eximkit.lint.rules.early_pipelining import views
from eximkit.source import BLANK

if TYPE_CHECKING:
    from eximkit.config.model import Config, Option
    from eximkit.lint.rules.early_pipelining.greeting import Verdict
    from eximkit.lint.rules.early_pipelining.transport import SmtpTransport
    from eximkit.source import Place

Mend = tuple[Fix | None, str]

OPENING = f"${{if def:{views.ADDRESS} {{"
CLOSING = "}{$primary_hostname}}"
IN_MACRO = "the text comes from a macro"


def for_helo(code: str, transport: SmtpTransport, verdict: Verdict) -> Mend:
    """A fix for a verdict on `helo_data`."""
    helo = transport.helo
    if helo is None or helo.value is None:
        return None, ""
    if code in ("EXP101", "EXP102", "EXP103", "EXP105"):
        return guard(helo)
    if code == "EXP104":
        return hide_spelling(helo)
    if code == "EXP106":
        return add_else(helo) if len(verdict.codes) == 1 else guard(helo)
    return None, ""


def guard(option: Option) -> Mend:
    """The value, wrapped in a test for the address."""
    value = option.value
    if value is None or not len(value):
        return None, "there is no value to guard"
    first, last = value.place(0, 1), value.place(len(value) - 1, len(value))
    reason = _movable(first, last)
    if reason:
        return None, reason
    edits = (
        Edit(first.path, first.start, first.start, OPENING),
        Edit(last.path, last.end, last.end, CLOSING),
    )
    return Fix(edits, False, "test the address before it is used"), ""


def _movable(*places: Place) -> str:
    """Why text cannot be edited at these places, "" where it can."""
    if any(p.use is not None for p in places):
        return IN_MACRO
    if len({id(p.file) for p in places}) > 1:
        return "the text crosses a file boundary"
    if any(not p.exact for p in places):
        return "the text is written with escapes"
    return ""


def hide_spelling(option: Option) -> Mend:
    r"""Spell the variable so that Exim's test of the text does not see it.

    `${name}` is the same variable; in literal text `\x24` is the same dollar.
    """
    value = option.value
    tree = views.tree_of(option.text)
    if value is None or tree is None:
        return None, "the value is malformed"
    plain = {
        node.start: node
        for node in walk(tree)
        if isinstance(node, Variable) and not node.braced and node.name == views.ADDRESS
    }
    edits = []
    needle = "$" + views.ADDRESS
    at = option.text.find(needle)
    while at >= 0:
        end = at + len(needle)
        place = value.place(at, end)
        if not place.exact:
            return None, _movable(place) or "the text is written with escapes"
        if at in plain:
            edits.append(
                Edit(place.path, place.start, place.end, f"${{{views.ADDRESS}}}")
            )
        elif option.text[at - 1 : at] == "\\" and option.text[at - 2 : at - 1] != "\\":
            edits.append(Edit(place.path, place.start, place.start + 1, "x24"))
        else:
            return (
                None,
                "the text stands between \\N and \\N, where nothing can be escaped",
            )
        at = option.text.find(needle, end)
    return Fix(tuple(edits), True, "a spelling that Exim's check does not see"), ""


def add_else(option: Option) -> Mend:
    """`{$primary_hostname}` for the one `${if}` that has no else branch."""
    value = option.value
    tree = views.tree_of(option.text)
    if value is None or tree is None:
        return None, "the value is malformed"
    bare = [
        node for node in walk(tree)
        if isinstance(node, If) and node.tail.yes is not None
        and node.tail.no is None and not node.tail.fail
    ]  # fmt: skip
    if len(bare) != 1:
        return guard(option)
    place = value.place(bare[0].end - 1, bare[0].end)
    reason = _movable(place)
    if reason:
        return None, reason
    edit = Edit(place.path, place.start, place.start, "{$primary_hostname}")
    return Fix((edit,), True, "a name for the greeting without an address"), ""


def rename_variable(place: Place, name: str) -> Mend:
    """The variable of the sending side in place of that of the receiving side."""
    if not place.exact:
        return None, _movable(place) or "the text is written with escapes"
    text = place.file.data[place.start : place.end]
    new = "sending_ip_address"
    if name not in text:
        return None, "the name is spelled in an unusual way"
    at = place.start + text.index(name)
    return Fix((Edit(place.path, at, at + len(name), new),), False, f"use {new}"), ""


def exclude(early: Option, avoid: Option) -> Mend:
    """The hosts of one list, negated at the head of the other."""
    if early.value is None or avoid.value is None:
        return None, "a list is empty"
    if (
        any(c in early.text + avoid.text for c in "$!")
        or "<" in early.text + avoid.text
    ):
        return None, "the lists are not plain lists of hosts"
    names = [i.strip(BLANK) for i in avoid.text.split(":") if i.strip(BLANK)]
    place = early.value.place(0, 1) if len(early.value) else early.name_place
    reason = _movable(place)
    if reason or "*" in names:
        return None, reason or "every host is in both lists: remove one of them"
    text = "".join(f"! {n} : " for n in names)
    edit = Edit(place.path, place.start, place.start, text)
    return Fix((edit,), False, "exclude the hosts from hosts_pipe_connect"), ""


def log_pipelining(config: Config) -> Mend:
    """`+pipelining` in `log_selector`."""
    option = config.options.get("log_selector")
    if option is not None and option.value is not None and len(option.value):
        place = option.value.place(len(option.value) - 1, len(option.value))
        reason = _movable(place)
        if reason:
            return None, reason
        edit = Edit(place.path, place.end, place.end, " +pipelining")
        return Fix((edit,), True, "log pipelining"), ""
    for setting in config.options:
        place = setting.line.place(0, 0)
        if option is None and place.use is None:
            at = place.file.line_start(place.line)
            edit = Edit(place.path, at, at, "log_selector = +pipelining\n")
            return Fix((edit,), True, "log pipelining"), ""
    return None, "there is no option of the main section to put it beside"


def replace_value(option: Option, text: str, *, safe: bool) -> Mend:
    """Another value for an option."""
    if option.value is None or not len(option.value):
        return None, "there is no value to replace"
    place = option.value.place(0, len(option.value))
    if not place.exact:
        return None, _movable(place) or "the value is written on several lines"
    return Fix((Edit(place.path, place.start, place.end, text),), safe, text), ""
