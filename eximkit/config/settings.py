"""Settings: does Exim know the option, may it stand here again, is its value sound.

Exim specification, chapter 6; details by trying 4.96. Whether a user or a group exists
is a matter of the machine that runs Exim, so a plausible name is never refused here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from eximkit import catalog
from eximkit.config import literals
from eximkit.config.model import Option
from eximkit.config.quoting import unquote
from eximkit.config.refusal import Guesses, refusal, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.catalog import OptionInfo, Release
    from eximkit.config.model import Options
    from eximkit.config.statements import Setting
    from eximkit.problem import Problem
    from eximkit.source import Text

    Reader: TypeAlias = Callable[[str], object]

_NEGATIONS = ("no_", "not_")
# What some system may have as the name of a user or a group.
_NAME = re.compile(r"[^\s:$/{}]+\$?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Where:
    """The block that a setting stands in.

    kind: "main", "router", ... driver: the value of `driver`; "" before it was set,
    None when it is unknown which one it is. of_any: it then is one that Exim has (a
    fragment does not tell which), so it has no option that none of them has.
    """

    kind: str
    driver: str | None = ""
    release: Release = catalog.NEWEST
    of_any: bool = False
    guesses: Guesses = field(default_factory=Guesses)


def base_name(name: str) -> str:
    """The name of an option without its negation prefix."""
    for prefix in _NEGATIONS:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def lookup(where: Where, name: str) -> OptionInfo | None:
    """What the catalogue has under a name for this block."""
    kind = where.kind
    if kind == "main" or where.driver:
        return catalog.option(kind, where.driver or None, name)
    found = catalog.option(kind, None, name)
    if found is None and where.driver is None:
        return next(iter(owners(kind, name).values()), None)
    return found


def owners(kind: str, name: str) -> dict[str, OptionInfo]:
    """The drivers of a kind that have a private option of this name."""
    found = {}
    for driver in catalog.drivers(kind):
        info = catalog.option(kind, driver, name)
        if info is not None and ":" in info.section:
            found[driver] = info
    return found


def check_known(
    setting: Setting, where: Where, info: OptionInfo | None
) -> Problem | None:
    """Whether Exim of this release has the option, in this block."""
    name = setting.name.text
    place = setting.name.place
    release = where.release
    if info is None:
        return _unknown(setting, where)
    if info.in_release(release):
        return None
    if info.since is not None and release < info.since:
        return refusal(
            "EXD602",
            f'Exim {release} has no option "{info.name}"; it came with {info.since}',
            place,
        )
    return refusal(
        "EXD601",
        f'Exim {release} no longer has the option "{shown(name)}"; {info.until} was '
        "the last with it",
        place,
        hint="remove it",
    )


def _unknown(setting: Setting, where: Where) -> Problem | None:
    name, place = setting.name.text, setting.name.place
    base = base_name(name)
    if not name:
        return refusal("EXS230", 'an option is expected after "hide"',
                       setting.name.line.place(0, len(setting.name.line)))  # fmt: skip
    if where.kind != "main":
        having = sorted(owners(where.kind, base))
        if having and where.driver == "":
            return refusal(
                "EXR309",
                f'"{base}" stands before the line that says which driver this is',
                place,
                hint=f'put "driver = ..." first in the {where.kind}',
            )
        if where.driver is None and not where.of_any:
            return None
        if having:
            return refusal(
                "EXR308",
                f'the {where.driver} {where.kind} has no option "{base}": it belongs '
                f"to {_listed(having)}",
                place,
            )
    names = _names(where)
    hint, replacement = where.guesses.guess(base, names, place)
    if replacement is not None and base != name:
        replacement = name.removesuffix(base) + replacement
    if not hint:
        hint = _elsewhere(where.kind, base)
    label = "main option" if where.kind == "main" else f"{where.kind} option"
    unknown = refusal(
        "EXR308", f'unknown {label} "{shown(name)}"', place, hint,
        replacement=replacement,
    )  # fmt: skip
    return replace(unknown, option=name)


def _names(where: Where) -> tuple[str, ...]:
    """The options that could have been meant."""
    drivers = catalog.drivers(where.kind) if where.of_any else (where.driver or None,)
    found: set[str] = set()
    for driver in drivers:
        found.update(catalog.option_names(where.kind, driver, where.release))
    return tuple(sorted(found))


def _elsewhere(kind: str, name: str) -> str:
    for other in ("main", "router", "transport", "authenticator"):
        if other == kind:
            continue
        if catalog.option(other, None, name) is not None:
            return f"it is an option of {_PLACES[other]}"
        if other != "main" and (having := sorted(owners(other, name))):
            return f"it is an option of {_PLACES[other]} ({_listed(having)})"
    return ""


_PLACES = {
    "main": "the main part",
    "router": "routers",
    "transport": "transports",
    "authenticator": "authenticators",
}


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def check_again(
    setting: Setting, info: OptionInfo | None, options: Options
) -> Problem | None:
    """Whether the option may be set another time in this block."""
    before = options.get(base_name(setting.name.text))
    if before is None or (info is not None and info.multi):
        return None
    return refusal(
        "EXR305",
        f'"{before.name}" is set for the second time',
        setting.name.place,
        hint="remove one of the settings",
        related=(("it was set here before", before.name_place),),
    )


def option_of(setting: Setting, whole: Text, info: OptionInfo | None) -> Option:
    """The setting as the model holds it. Quotes count where a string is expected."""
    raw = raw_value(setting, whole)
    quoted = False
    if raw is not None and (info is None or info.type not in _LITERALS):
        unquoted = unquote(raw, setting.name.text)
        raw, quoted = unquoted.text, unquoted.quoted
    name = setting.name.text
    base = base_name(name)
    return Option(
        base, raw, whole, setting.name.place,
        negated=base != name, hidden=setting.hidden, quoted=quoted,
    )  # fmt: skip


def raw_value(setting: Setting, whole: Text) -> Text | None:
    """What stands after the `=`, as typed; None without one."""
    equals = setting.value.equals
    if equals is None:
        return None
    part = setting.value.text
    return part.traced if part is not None else whole.slice(equals.end, equals.end)


def check_value(
    setting: Setting, info: OptionInfo, whole: Text, release: Release
) -> Problem | None:
    """What is wrong with a setting of a known option."""
    name = setting.name.text
    raw = raw_value(setting, whole)
    full = info.type_in(release)
    kind = full.removesuffix("!")
    if kind == "boolean":
        return _check_boolean(setting, info, full, raw)
    if base_name(name) != name:
        return refusal(
            "EXS230",
            f'"{info.name}" is not a boolean option, so "{name[: -len(info.name)]}" '
            "cannot stand before it",
            setting.name.place,
        )
    if raw is None:
        return missing_equals(setting)
    if full.endswith("!") and "$" in raw.text:
        return unquote(raw, info.name).problem
    problem = _CHECKERS.get(kind, _check_string)(info, raw)
    if problem is not None and not raw.text:
        # There is nothing to point at but the option.
        return replace(problem, place=setting.name.place)
    return problem


def missing_equals(setting: Setting) -> Problem:
    """A setting that needs a value and has no `=`."""
    name, junk = setting.name, setting.value.junk
    if junk is None:
        return refusal(
            "EXS230", f'"{name.text}" needs a value: "{name.text} = ..."', name.place
        )
    return refusal(
        "EXS230", f'"=" is missing after "{name.text}"', junk.stripped().place
    )


def _check_boolean(
    setting: Setting, info: OptionInfo, kind: str, raw: Text | None
) -> Problem | None:
    negated = base_name(setting.name.text) != setting.name.text
    junk = setting.value.junk
    if junk is not None or (negated and raw is not None):
        rest = setting.name.line.slice(setting.name.end).strip()
        comment = rest.text.startswith("#")
        return refusal(
            "EXS231",
            f'nothing can follow the boolean option "{setting.name.text}"',
            rest.place(0, len(rest)),
            hint="a # starts a comment only at the start of a line" if comment else "",
        )
    if raw is None:
        return None
    if kind.endswith("!") and "$" in raw.text:
        return unquote(raw, info.name).problem
    return _literal(info, raw, literals.boolean)


def _literal(info: OptionInfo, raw: Text, read: Reader) -> Problem | None:
    found = read(raw.text)
    if not isinstance(found, literals.Reason):
        return None
    return refusal(
        "EXS231", f'bad value for "{info.name}": {found.message}',
        raw.place(found.start, found.end),
    )  # fmt: skip


def _with(read: Reader) -> Callable[[OptionInfo, Text], Problem | None]:
    def check(info: OptionInfo, raw: Text) -> Problem | None:
        return _literal(info, raw, read)

    return check


def _check_string(info: OptionInfo, raw: Text) -> Problem | None:
    return unquote(raw, info.name).problem


def _check_name(info: OptionInfo, raw: Text) -> Problem | None:
    """A user or a group: expanded later, a number, or a name that may exist."""
    unquoted = unquote(raw, info.name)
    if unquoted.problem is not None:
        return unquoted.problem
    text = unquoted.text.text
    if _NAME.fullmatch(text):
        return None
    what = info.type.removesuffix("!")
    return refusal(
        "EXS231",
        f'"{shown(text)}" cannot be the name of a {what}',
        raw.place(0, len(raw)),
    )


# By the catalogue's type without its "!"; what is not here is a string of some sort.
_CHECKERS: dict[str, Callable[[OptionInfo, Text], Problem | None]] = {
    "integer": _with(literals.integer),
    "size": _with(literals.kilobytes),
    "octal": _with(literals.octal),
    "fixed": _with(literals.fixed),
    "time": _with(literals.time),
    "time-list": _with(literals.time_list),
    "user": _check_name,
    "group": _check_name,
}
_LITERALS = frozenset(
    {"boolean", "integer", "size", "octal", "fixed", "time", "time-list"}
)
