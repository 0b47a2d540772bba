"""Edits that would mend a finding. The engine verifies each before it is offered.

Every function gives (fix, reason): no fix has a reason why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.nodes import Defined, If, Variable
from eximkit.expansion.walk import walk
from eximkit.lint.finding import Edit, Fix
from eximkit.lint.rules.early_pipelining import views
from eximkit.source import BLANK

if TYPE_CHECKING:
    from eximkit.config.model import Config, Option
    from eximkit.expansion.nodes import Expansion
    from eximkit.lint.rules.early_pipelining.greeting import Verdict
    from eximkit.lint.rules.early_pipelining.transport import SmtpTransport
    from eximkit.source import Place

Mend = tuple[Fix | None, str]

OPENING = f"${{if def:{views.ADDRESS} {{"
CLOSING = "}{$primary_hostname}}"
NOTHING_ELSE = "}}"
IN_MACRO = "the text comes from a macro"


def for_helo(code: str, transport: SmtpTransport, verdict: Verdict) -> Mend:
    """A fix for a verdict on `helo_data`."""
    helo = transport.helo
    if helo is None or helo.value is None:
        return None, ""
    if code == "EXP104":
        return hide_spelling(helo)
    if "EXP103" in verdict.codes:
        return swap(helo) or guard(helo)
    if code == "EXP105" or (code == "EXP106" and len(verdict.codes) == 1):
        return add_else(helo)
    return guard(helo) if code in GUARDED else (None, "")


GUARDED = frozenset(("EXP101", "EXP102", "EXP106"))


def guard(option: Option, closing: str = CLOSING) -> Mend:
    """The value, wrapped in a test for the address.

    closing: ends the test, with what is to be there without the address.
    """
    value = option.value
    if value is None or not len(value):
        return None, "there is no value to guard"
    first, last = value.place(0, 1), value.place(len(value) - 1, len(value))
    reason = _movable(first, last)
    if reason:
        return None, reason
    edits = (
        Edit(first.path, first.start, first.start, OPENING),
        Edit(last.path, last.end, last.end, closing),
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
        elif option.text.count("\\N", 0, at) % 2:
            # Between \N and \N nothing is an escape: leave, write it, come back.
            edits.append(Edit(place.path, place.start, place.start + 1, "\\N\\x24\\N"))
        else:
            return None, "the text is spelled in an unusual way"
        at = option.text.find(needle, end)
    return Fix(tuple(edits), True, "a spelling that Exim's check does not see"), ""


def _tests(option: Option) -> list[If]:
    """Each `${if def:sending_ip_address …}` of a value, negated or not."""
    tree = views.tree_of(option.text)
    return [
        node for node in walk(tree) if isinstance(node, If) and _test(node)
    ] if tree is not None else []  # fmt: skip


def _test(node: If) -> bool:
    condition = node.condition
    of = condition.of if isinstance(condition, Defined) else None
    return isinstance(of, Variable) and of.name == views.ADDRESS


def _uses(tree: Expansion) -> bool:
    return any(isinstance(n, Variable) and n.name == views.ADDRESS for n in walk(tree))


def swap(option: Option) -> Mend | None:
    """The branches of the one test for the address, exchanged; None if they are right.

    They are wrong where the address is used just where it is known to be missing.
    """
    tests = _tests(option)
    if option.value is None or len(tests) != 1:
        return None
    tail, negated = tests[0].tail, tests[0].condition.negated
    if tail.yes is None or tail.no is None:
        return None
    known, missing = (tail.no, tail.yes) if negated else (tail.yes, tail.no)
    if _uses(known) or not _uses(missing):
        return None
    places = [option.value.place(t.start, t.end) for t in (tail.yes, tail.no)]
    if any(_movable(place) for place in places):
        return None
    texts = [place.file.data[place.start : place.end] for place in places]
    edits = tuple(
        Edit(place.path, place.start, place.end, text)
        for place, text in zip(places, reversed(texts), strict=True)
    )
    return Fix(edits, False, "exchange the branches"), ""


def add_else(option: Option) -> Mend:
    """`{$primary_hostname}` for the one test that has no else branch, or `fail`."""
    value = option.value
    bare = [
        node for node in _tests(option)
        if node.tail.yes is not None and node.tail.no is None
    ]  # fmt: skip
    if value is None or len(bare) != 1 or bare[0].tail.yes is None:
        return guard(option)
    # From behind the brace of the first branch to the last one: blanks, or `fail`.
    start, end = bare[0].tail.yes.end + 1, bare[0].end - 1
    first, last = value.place(start, end + 1), value.place(end, end + 1)
    if not bare[0].tail.fail:
        first = last
    reason = _movable(first, last)
    if reason:
        return None, reason
    edit = Edit(first.path, first.start, last.start, "{$primary_hostname}")
    title = "a name for the greeting without an address"
    return Fix((edit,), not bare[0].tail.fail, title), ""


def rename_variables(option: Option, verdict: Verdict, *, early: bool) -> Mend:
    """The variable of the sending side in place of those of the receiving side.

    early: with a test for it, because it can be missing.
    """
    edits: list[Edit] = []
    for name, start, end in verdict.server_side:
        if option.value is None or end <= start:
            return None, "it is used elsewhere, in an ACL or by ${expand:"
        place = option.value.place(start, end)
        reason = _movable(place)
        if reason:
            return None, reason
        text = place.file.data[place.start : place.end]
        if name not in text:
            return None, "the name is spelled in an unusual way"
        at = place.start + text.index(name)
        edits.append(Edit(place.path, at, at + len(name), views.ADDRESS))
    around, reason = guard(option) if early else (None, "")
    if reason:
        return None, reason
    wrapped = around.edits if around is not None else ()
    return Fix((*edits, *wrapped), False, f"use {views.ADDRESS}"), ""


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
