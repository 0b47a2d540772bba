"""The lines of ACLs: what makes Exim refuse them when it loads them.

Exim specification, chapter 43; details by trying 4.96. What a condition's value says is
not looked at here, as it is not by Exim.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.config.model import AclStatement, Condition
from eximkit.config.refusal import guess, refusal, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.catalog import Release
    from eximkit.config.statements import AclLine, Part
    from eximkit.problem import Problem
    from eximkit.source import Text

ENDPASS_VERBS = ("accept", "discard")

_VARIABLE = re.compile(r"acl_[cm][0-9_][A-Za-z0-9_]*")
# Exim's DKIM ACL may overwrite these two.
_OTHER_VARIABLES = ("dkim_verify_status", "dkim_verify_reason")


def condition_of(line: AclLine, whole: Text) -> Condition | None:
    """The condition or modifier on a line, None where there is none."""
    name = line.condition
    if name is None:
        return None
    value = None
    if line.value.equals is not None:
        at = line.value.equals.end
        value = line.value.text.traced if line.value.text else whole.slice(at, at)
    return Condition(
        name.text,
        value,
        whole,
        name.place,
        negated=line.negation is not None,
        variable=line.variable.text if line.variable else None,
    )


def statement_of(line: AclLine, whole: Text) -> AclStatement | None:
    """A new statement, None where the line goes on with the one before."""
    if line.verb is None:
        return None
    return AclStatement(line.verb.text, whole, line.verb.place)


def check(
    line: AclLine, statement: AclStatement | None, whole: Text, release: Release
) -> Problem | None:
    """What is wrong with a line.

    statement: the one that the line starts or belongs to; None: the line comes before
    any verb.
    """
    name = line.condition
    word = name.text if name else ""
    if line.verb is None and line.negation is not None and word in catalog.acl_verbs:
        return refusal(
            "EXS237", f'"!" cannot stand before the verb "{word}"', line.negation.place,
            hint="negate a condition, or use another verb",
        )  # fmt: skip
    if statement is None:
        return _unknown_verb(line, whole)
    if name is None:
        if line.value.junk is None and line.negation is None:
            return None
        part = line.value.junk or line.negation
        assert part is not None  # noqa: S101 - one of them is there
        return refusal(
            "EXS237", f'a condition or modifier is expected, not "{shown(part.text)}"',
            part.place,
        )  # fmt: skip
    for problem in _condition_problems(line, name, statement, release):
        return problem
    return None


def _unknown_verb(line: AclLine, whole: Text) -> Problem:
    name = line.condition
    place = name.place if name else whole.place(0, len(whole))
    text = name.text if name else whole.text
    known = catalog.acl_condition(text) is not None
    hint, replacement = guess(text, catalog.acl_verbs, place)
    if known:
        hint, replacement = "put a verb, such as accept or deny, before it", None
    return refusal(
        "EXS237", f'an ACL starts with a verb, and "{shown(text)}" is none', place,
        hint, replacement=replacement,
    )  # fmt: skip


def _condition_problems(
    line: AclLine, name: Part, statement: AclStatement, release: Release
) -> Iterator[Problem]:
    info = catalog.acl_condition(name.text)
    if info is None:
        yield _unknown_condition(name, statement, release)
        return
    if not info.in_release(release):
        since = info.since
        if since is not None and release < since:
            yield refusal(
                "EXD602",
                f'Exim {release} has no ACL condition or modifier "{name.text}"; it is '
                f"there from {since}",
                name.place,
            )
        else:
            yield refusal(
                "EXD601",
                f'Exim {release} no longer has the ACL condition "{name.text}"; '
                f"{info.until} was the last release with it",
                name.place,
            )
        return
    if line.negation is not None and not info.negatable:
        yield refusal(
            "EXS237", f'"{name.text}" is a modifier and cannot be negated',
            line.negation.place,
        )  # fmt: skip
        return
    if name.text == "endpass":
        if statement.verb not in ENDPASS_VERBS:
            yield refusal(
                "EXS237",
                f"endpass is for accept and discard, not for {statement.verb}",
                name.place,
                related=(("the statement starts here", statement.verb_place),),
            )
        return
    if name.text == "set":
        problem = _set_problem(line, name)
        if problem is not None:
            yield problem
            return
    if line.value.equals is None:
        place = line.value.junk.stripped().place if line.value.junk else name.place
        yield refusal("EXS237", f'"=" is missing after "{name.text}"', place)


def _unknown_condition(
    name: Part, statement: AclStatement, release: Release
) -> Problem:
    place = name.place
    names = (*catalog.acl_condition_names(release), *catalog.acl_verbs)
    hint, replacement = guess(name.text, names, place)
    if name.text == "not":
        hint, replacement = 'write "!" for not', None
    return refusal(
        "EXS237", f'"{shown(name.text)}" is no ACL condition, modifier or verb', place,
        hint, replacement=replacement,
        related=(("it would belong to this statement", statement.verb_place),)
        if statement.verb else (),
    )  # fmt: skip


def _set_problem(line: AclLine, name: Part) -> Problem | None:
    variable = line.variable
    if variable is None:
        return refusal("EXS237", '"set" needs the name of a variable', name.place)
    text = variable.text
    if _VARIABLE.fullmatch(text) or text in _OTHER_VARIABLES:
        return None
    return refusal(
        "EXS237",
        f'"{shown(text)}" is not a variable that an ACL can set',
        variable.place,
        hint="its name is acl_c or acl_m, then a digit or an underscore, then letters, "
        "digits and underscores",
    )
