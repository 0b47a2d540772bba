"""Running an ACL inside an expansion: `${acl{name}{arg}…}` and the `acl` condition.

Exim specification, sections 11.5 (acl), 11.7 (acl) and chapter 44. With a world every
condition that can be decided without a message is (`acl_conditions.py`); without one
only `condition` and `acl` are, and the others are put to the evaluator's `choose`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from eximkit.expansion import acl_conditions
from eximkit.expansion.values import (
    EMPTY,
    NOTHING,
    ExpansionFailed,
    Known,
    Unknown,
    Value,
    derived,
)
from eximkit.expansion.world import NotAllowed
from eximkit.source import BLANK

if TYPE_CHECKING:
    from eximkit.expansion.environment import AclLine, AclStatement
    from eximkit.expansion.evaluate import Evaluator

MAXIMUM_ACLS = 20
"""How deep ACLs may call one another (Exim's own limit)."""

Code = Literal["OK", "FAIL", "DEFER", "DISCARD", "ERROR", "FAIL_DROP"]
"""What an ACL, or one of its statements, comes to, by Exim's own words."""

MODIFIERS = frozenset(
    """add_header continue control delay endpass log_message log_reject_target logwrite
    message queue remove_header set udpsend""".split()  # noqa: SIM905 - one line to read
)
ENDS: dict[str, Code] = {
    "accept": "OK",
    "defer": "DEFER",
    "deny": "FAIL",
    "discard": "DISCARD",
    "drop": "FAIL_DROP",
}
"""What the ACL ends with where all conditions of a statement hold."""

_USES_MESSAGE: dict[str, frozenset[str]] = {
    "discard": frozenset(("OK", "FAIL")),
    "require": frozenset(("FAIL",)),
}
_USED_WHERE_IT_HOLDS = frozenset(("OK",))
_MAY_DISCARD = frozenset(("accept", "discard"))


def item(evaluator: Evaluator, arguments: list[Value]) -> Value:
    """`${acl{name}{arg}…}`: the `message` of the statement that decided."""
    return _run(evaluator, arguments)[1]


def condition(evaluator: Evaluator, arguments: list[Value]) -> bool | None:
    """`acl {{name}{arg}…}`: whether it accepts; $value is set to its message."""
    code, message = _run(evaluator, arguments)
    evaluator.scope = {**evaluator.scope, "value": message}
    return None if code is None else code == "OK"


def _run(evaluator: Evaluator, arguments: list[Value]) -> tuple[Code | None, Value]:
    name = arguments[0] if arguments else EMPTY
    code, message = call(evaluator, name, arguments[1:])
    if code in ("OK", "FAIL", None):
        return code, message
    raise ExpansionFailed(f'{code} from acl "{name}"')


def call(
    evaluator: Evaluator, name: Value, arguments: list[Value]
) -> tuple[Code | None, Value]:
    """Run an ACL: what it comes to (None: not known), and its message."""
    if isinstance(name, Known) and not name.text.strip(BLANK):
        return "FAIL", EMPTY
    known = evaluator.environment.acls(name.text) if isinstance(name, Known) else None
    if known is None:
        return _not_there(evaluator, name, arguments)
    if evaluator.acls >= MAXIMUM_ACLS:
        return "ERROR", EMPTY
    saved = evaluator.scope
    evaluator.scope = {k: v for k, v in saved.items() if not k.startswith("acl_arg")}
    evaluator.scope |= {f"acl_arg{n}": a for n, a in enumerate(arguments, 1)}
    evaluator.scope["acl_narg"] = Known(str(len(arguments)))
    evaluator.acls += 1
    try:
        with evaluator.within():
            return _Run(evaluator).through(known)
    finally:
        evaluator.scope = saved
        evaluator.acls -= 1


def _not_there(
    evaluator: Evaluator, name: Value, arguments: list[Value]
) -> tuple[Code | None, Value]:
    if evaluator.concrete:
        text = str(name)
        if isinstance(name, Unknown):
            raise NotAllowed(name.holes[0].name)
        if text.startswith("/"):
            raise NotAllowed(f"the file {text} with an ACL")
        if any(blank in text for blank in BLANK):
            raise NotAllowed(f"an ACL that is written in its place: {text}")
        return "ERROR", EMPTY
    evaluator.opaque = True
    given = [name, *arguments]
    unknown = derived("acl", *given, opaque=True)
    taken = evaluator.choose("acl", ("acl", *map(str, given)), unknown.depends)
    if taken is None:
        return None, unknown
    return ("OK" if taken else "FAIL"), unknown


@dataclass(slots=True)
class _Run:
    """One run of one ACL; message: what the last statement has left."""

    evaluator: Evaluator
    message: Value = EMPTY

    def through(
        self, statements: tuple[AclStatement, ...]
    ) -> tuple[Code | None, Value]:
        for statement in statements:
            self.message = EMPTY
            mark = len(self.evaluator.pending)
            code, passed_end = self.statement(statement)
            if code is None:
                return None, self._undecided(mark)
            end = self._end(statement.verb, code, passed_end=passed_end)
            if end is not None:
                return end, self.message
        return "FAIL", self.message

    def _undecided(self, mark: int) -> Value:
        reasons = self.evaluator.pending[mark:]
        depends = NOTHING.union(*(d for _, d in reasons))
        return derived(reasons[0][0] if reasons else "acl", Known("", depends))

    def _end(self, verb: str, code: Code, *, passed_end: bool) -> Code | None:
        """What the ACL comes to with a statement, None where it goes on."""
        if verb == "warn":
            return "ERROR" if code == "ERROR" else None
        if code in ("DEFER", "ERROR", "DISCARD"):
            return code
        if verb == "require":
            return None if code == "OK" else code
        if code == "OK":
            return ENDS.get(verb)
        return code if passed_end else None

    def statement(self, statement: AclStatement) -> tuple[Code | None, bool]:
        """What a statement's conditions come to, and whether `endpass` was passed."""
        passed_end = False
        message: AclLine | None = None
        code: Code | None = "OK"
        for line in statement.lines:
            if line.name == "endpass":
                passed_end = True
            elif line.name == "message":
                message = line
            else:
                code = self.line(line)
            if code != "OK":
                break
        if code == "DISCARD" and statement.verb not in _MAY_DISCARD:
            return "ERROR", passed_end
        if code is not None:
            self._say(statement.verb, code, message, passed_end=passed_end)
        return code, passed_end

    def _say(
        self, verb: str, code: Code, message: AclLine | None, *, passed_end: bool
    ) -> None:
        """Sets the message, if this outcome of this verb is one that has a message.

        What a nested ACL said stays, except where it was asked for and agreed.
        """
        uses = _USES_MESSAGE.get(verb, _USED_WHERE_IT_HOLDS)
        if verb == "accept" and passed_end:
            uses = frozenset(("FAIL",))
        before = self.message
        if verb == "warn" or (code == "OK" and verb in _MAY_DISCARD):
            self.message = EMPTY
        if code not in uses or verb == "warn":
            return
        if message is None or message.value is None:
            return
        with self.evaluator.bound(acl_verify_message=before):
            try:
                said = self.evaluator.expand(message.value)
            except ExpansionFailed:
                return  # Exim logs that it cannot be expanded and goes on.
        if said != EMPTY:
            self.message = said

    def line(self, line: AclLine) -> Code | None:
        """What a condition or a modifier comes to."""
        if line.name == "log_message":
            return "OK"
        if line.syntax:
            return "ERROR"
        if line.name == "acl":
            code = self._nested(line)
        else:
            try:
                value = EMPTY if line.value is None else self._value(line)
            except ExpansionFailed as failed:
                # A forced failure makes Exim pass over the line.
                return "OK" if failed.forced else "ERROR"
            if line.name in MODIFIERS:
                return self._modifier(line, value)
            code = self._condition(line, value)
        if line.negated and code in ("OK", "FAIL", "FAIL_DROP"):
            return "FAIL" if code == "OK" else "OK"
        return code

    def _value(self, line: AclLine) -> Value:
        return EMPTY if line.value is None else self.evaluator.expand(line.value)

    def _modifier(self, line: AclLine, value: Value) -> Code:
        if line.name == "set" and line.variable:
            self.evaluator.lasting[line.variable] = value
        if not self.evaluator.concrete:
            return "OK"
        return acl_conditions.modifier(self.evaluator, line.name, value)

    def _condition(self, line: AclLine, value: Value) -> Code | None:
        if line.name == "condition" and isinstance(value, Known):
            holds = acl_conditions.boolean(value.text)
            return "DEFER" if holds is None else _code(holds)
        if self.evaluator.concrete:
            code, said = acl_conditions.condition(self.evaluator, line.name, value)
            self.message = Known(said) if said else self.message
            return code
        shown = f"acl {line.name}"
        if isinstance(value, Unknown):
            shown = value.holes[0].name
        depends = value.depends or frozenset((f"acl {line.name}",))
        holds = self.evaluator.choose(shown, ("acl", line.name, str(value)), depends)
        return None if holds is None else _code(holds)

    def _nested(self, line: AclLine) -> Code | None:
        """`acl = name arg …`: split as it is written, then each word is expanded."""
        if line.value is None:
            return "FAIL"
        words = line.value.source.split()
        try:
            given = [self.evaluator.expand_text(Known(word)) for word in words]
        except ExpansionFailed as failed:
            return "OK" if failed.forced and len(words) == 1 else "ERROR"
        if not given:
            return "FAIL"
        name, *arguments = given
        if arguments and self.evaluator.environment.acls(str(name)) is None:
            name, arguments = Known(line.value.source), []
        code, message = call(self.evaluator, name, arguments)
        self.message = message
        return code


def _code(holds: bool) -> Code:
    return "OK" if holds else "FAIL"
