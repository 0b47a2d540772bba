"""Running an ACL inside an expansion: `${acl{name}{arg}…}` and the `acl` condition.

Exim specification, sections 11.5 (acl), 11.7 (acl) and chapter 44. Of the conditions
of an ACL only `condition` and `acl` can be evaluated; the others depend on the
connection and on the world and are put to the evaluator's `choose`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.values import (
    EMPTY,
    NOTHING,
    ExpansionFailed,
    Known,
    Unknown,
    Value,
    derived,
)

if TYPE_CHECKING:
    from eximkit.expansion.environment import AclLine, AclStatement
    from eximkit.expansion.evaluate import Evaluator

MAXIMUM_ACLS = 20
"""How deep ACLs may call one another (Exim's own limit)."""

MODIFIERS = frozenset(
    """add_header continue control delay endpass log_message log_reject_target logwrite
    message queue remove_header set udpsend""".split()  # noqa: SIM905 - one line to read
)
PASSES = {"accept": True, "discard": True, "deny": False, "drop": False, "defer": False}
"""What an ACL ends with where all conditions of a statement hold."""
ABORTS = {"discard": "DISCARD", "drop": "FAIL_DROP", "defer": "DEFER"}
"""Verbs whose outcome is an error for an expansion."""


def item(evaluator: Evaluator, arguments: list[Value]) -> Value:
    """`${acl{name}{arg}…}`: the `message` of the statement that decided."""
    return _run(evaluator, arguments)[1]


def condition(evaluator: Evaluator, arguments: list[Value]) -> bool | None:
    """`acl {{name}{arg}…}`: whether it accepts; $value is set to its message."""
    passed, message = _run(evaluator, arguments)
    evaluator.scope = {**evaluator.scope, "value": message}
    return passed


def _run(evaluator: Evaluator, arguments: list[Value]) -> tuple[bool | None, Value]:
    name = arguments[0] if arguments else EMPTY
    known = evaluator.environment.acls(name.text) if isinstance(name, Known) else None
    if known is None:
        evaluator.opaque = True
        unknown = derived("acl", *arguments, opaque=True)
        taken = evaluator.choose("acl", ("acl", *map(str, arguments)), unknown.depends)
        return taken, unknown
    if evaluator.inner >= MAXIMUM_ACLS:
        raise ExpansionFailed("ACL nested too deep: possible loop")
    scope: dict[str, Value] = {
        f"acl_arg{n}": value for n, value in enumerate(arguments[1:], 1)
    }
    scope["acl_narg"] = Known(str(len(arguments) - 1))
    saved = evaluator.scope
    evaluator.scope = {k: v for k, v in saved.items() if not k.startswith("acl_arg")}
    evaluator.scope.update(scope)
    try:
        with evaluator.within():
            return _statements(evaluator, str(name), known)
    finally:
        evaluator.scope = saved


def _statements(
    evaluator: Evaluator, name: str, statements: tuple[AclStatement, ...]
) -> tuple[bool | None, Value]:
    for statement in statements:
        mark = len(evaluator.pending)
        holds, passed_end, message = _conditions(evaluator, statement)
        if holds is None:
            depends = NOTHING.union(*(d for _, d in evaluator.pending[mark:]))
            shown = evaluator.pending[mark][0] if evaluator.pending[mark:] else "acl"
            return None, derived(shown, Known("", depends))
        if statement.verb == "warn":
            continue
        if statement.verb == "require":
            if not holds:
                return False, _message(evaluator, message)
            continue
        if holds:
            if statement.verb in ABORTS:
                what = ABORTS[statement.verb]
                raise ExpansionFailed(f'{what} from acl "{name}"')
            said = None if passed_end else message
            return PASSES.get(statement.verb), _message(evaluator, said)
        if passed_end:
            return False, _message(evaluator, message)
    return False, EMPTY


def _conditions(
    evaluator: Evaluator, statement: AclStatement
) -> tuple[bool | None, bool, AclLine | None]:
    """Whether all hold; whether `endpass` was passed; the `message` in force."""
    passed_end, message = False, None
    for line in statement.lines:
        if line.syntax and line.name != "message":
            raise ExpansionFailed(line.syntax, syntax=True)
        if line.name in MODIFIERS:
            passed_end = passed_end or line.name == "endpass"
            message = line if line.name == "message" else message
            if line.name == "set" and line.variable and line.value is not None:
                evaluator.lasting[line.variable] = evaluator.expand(line.value)
            continue
        holds = _condition(evaluator, line)
        if holds is not None and line.negated:
            holds = not holds
        if not holds:
            return holds, passed_end, message
    return True, passed_end, message


def _condition(evaluator: Evaluator, line: AclLine) -> bool | None:
    try:
        value = EMPTY if line.value is None else evaluator.expand(line.value)
    except ExpansionFailed as failed:
        if failed.forced:
            return True  # A forced failure makes Exim skip the condition.
        raise
    if line.name == "condition" and isinstance(value, Known):
        return _boolean(value.text)
    if line.name == "acl" and isinstance(value, Known):
        words: list[Value] = [Known(w, value.depends) for w in value.text.split(" ")]
        return _run(evaluator, words)[0]
    shown = value.holes[0].name if isinstance(value, Unknown) else f"acl {line.name}"
    depends = value.depends or frozenset((f"acl {line.name}",))
    return evaluator.choose(shown, ("acl", line.name, str(value)), depends)


def _boolean(text: str) -> bool:
    """The value of an ACL's `condition` (section 44.24)."""
    word = text.strip(" \t\n").lower()
    if word.lstrip("-").isdigit():
        return int(word) != 0
    answers = {"": False, "no": False, "false": False, "yes": True, "true": True}
    if word not in answers:
        raise ExpansionFailed(f'invalid "condition" value "{text}"')
    return answers[word]


def _message(evaluator: Evaluator, line: AclLine | None) -> Value:
    """The text of `message`; Exim logs that it cannot be expanded and goes on."""
    if line is None or line.value is None:
        return EMPTY
    try:
        return evaluator.expand(line.value)
    except ExpansionFailed:
        return EMPTY
