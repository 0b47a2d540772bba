"""What `exim -be` does with a line: macros first, then a definition or an expansion.

Tried with 4.96; that lines can set variables came with 4.97. Unlike Exim's, the console
takes a line that starts with an upper case letter for text, unless it defines a macro.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.config.macros import MacroTable, parse_define
from eximkit.expansion.expand import expand
from eximkit.expansion.values import Failure, Known
from eximkit.source import BLANK, SourceFile, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from eximkit.catalog import Release
    from eximkit.config.given import Given
    from eximkit.config.model import Config
    from eximkit.expansion.environment import Environment
    from eximkit.expansion.limits import Limits
    from eximkit.expansion.values import Value

SETTING_SINCE = catalog.release("4.97")

_DEFINITION = re.compile(r"([A-Z][A-Za-z0-9_]*)[ \t\n\r\f\v]*(==?)")
_SETTING = re.compile(
    r"set(?:,t)?[ \t]+([A-Za-z0-9_$-]+:?)[ \t]*=[ \t]*(.*)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a line.

    result: its value, or why there is none; of a line that was obeyed, what to say.
    source: the text that was expanded, after macros. obeyed: it defined or set
    something.
    """

    result: Known | Failure
    source: Text
    obeyed: bool = False


def macro_table(
    config: Config | None, release: Release, defines: Sequence[str]
) -> MacroTable:
    """The macros in force after a configuration (with these `-D`) was read.

    Raises SettingsError for a `-D` that Exim would refuse.
    """
    table = MacroTable(
        catalog.builtin_macros(release), [parse_define(text) for text in defines]
    )
    for macro in config.macros.values() if config is not None else ():
        if macro.place is not None:
            line = f"{macro.name} = {macro.value.text}"
            table.define(Text.of(SourceFile("", line)))
    return table


class Console:
    """A dialogue: what a line sets, or an ACL that it runs, the next ones know.

    given: what `environment` holds as variables and headers. settable: lines may set
    variables, which are then `given`.
    """

    def __init__(
        self,
        environment: Environment,
        given: Given,
        macros: MacroTable,
        limits: Limits,
        *,
        settable: bool,
    ) -> None:
        self.environment = environment
        self.limits = limits
        self._given = given
        self._lasting: dict[str, Value] = {}
        self._macros = macros
        self.settable = settable

    def answer(self, line: str, name: str) -> Answer:
        """What `exim -be` says to a line of octets; `name` is what to call it."""
        source, failure = self.substituted(line, name)
        if failure is not None:
            return Answer(failure, source)
        definition = _DEFINITION.match(source.text)
        if definition is not None:
            return self._define(definition[1], definition[2], source)
        setting = _SETTING.fullmatch(source.text) if self.settable else None
        if setting is not None:
            return self._set(setting, source)
        return Answer(self._expand(source.text), source)

    def substituted(self, line: str, name: str) -> tuple[Text, Failure | None]:
        """A line with its macros replaced, or as it is and why they cannot be."""
        file = SourceFile(name, line)
        done = self._macros.substitute(file, 0, len(line))
        if done is None:
            return Text.of(file), None
        if done.problem is not None:
            return Text.of(file), Failure.unsupported(done.problem.message)
        return done.text, None

    def expanded(
        self, text: str, variables: Mapping[str, Value], headers: Mapping[str, Value]
    ) -> Known | Failure:
        """The value of a string that is nothing else, with other things set."""
        source, failure = self.substituted(text, "string")
        if failure is not None:
            return failure
        environment = replace(self.environment, variables=variables, headers=headers)
        return expand(source.text, environment, self.limits)

    def _expand(self, text: str) -> Known | Failure:
        return expand(text, self.environment, self.limits, lasting=self._lasting)

    def _define(self, name: str, sign: str, source: Text) -> Answer:
        if sign == "=" and name in self._macros:
            message = f'macro "{name}" is already defined (use "==" to redefine it)'
            return Answer(Failure(message), source)
        problem = self._macros.define(source)
        if problem is not None:
            return Answer(Failure(problem.message), source)
        return Answer(Known(f"Defined macro '{name}'"), source, obeyed=True)

    def _set(self, setting: re.Match[str], source: Text) -> Answer:
        name = setting[1]
        value = self._expand(setting[2])
        if isinstance(value, Failure):
            return Answer(value, source.slice(setting.start(2)))
        wrong = self._given.set(name, value.text)
        self._lasting.pop(name, None)
        if wrong:
            return Answer(Failure(wrong), source)
        said = f"variable {name.removeprefix('acl_')} set"
        return Answer(Known(said), source, obeyed=True)


def joined(lines: Iterable[str]) -> Iterator[str]:
    r"""Lines as `exim -be` reads them: one that ends with `\` goes on in the next."""
    before: str | None = None
    for line in lines:
        text = line.rstrip(BLANK)
        if before is not None:
            text = before + text.lstrip(BLANK)
        if text.endswith("\\"):
            before = text[:-1]
            continue
        before = None
        yield text
    if before is not None:
        yield before
