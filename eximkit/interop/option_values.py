"""Options of a real configuration, as values: expanded, matched, converted.

What stays undecided, since it takes a lookup that was not allowed or a variable that
nothing here sets, is noted in `unhonoured` and never guessed.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from eximkit.catalog import defaults
from eximkit.errors import SettingsError
from eximkit.expansion.evaluate import Evaluator
from eximkit.expansion.expand import expand
from eximkit.expansion.list_context import Around
from eximkit.expansion.lists import split_list
from eximkit.expansion.numbers import integer, seconds
from eximkit.expansion.values import ExpansionFailed, Failure, Known
from eximkit.interop.hostlist import HostList, is_local
from eximkit.interop.unhonoured import Unhonoured
from eximkit.source import BLANK, decode, display

if TYPE_CHECKING:
    from eximkit.config.model import Options
    from eximkit.expansion.environment import Environment, Found, NotFound

_ELSEWHERE = re.compile(
    r"(?:[${]|def:)(r_[A-Za-z0-9_]*|address_data|[rbl]?h(?:eader)?_[!-9;-~]+)"
)
MOST_NOTED = 500
"""Each client may bring another reason, of which there is no end."""
_TRUE = frozenset(("", "true", "yes"))


class AroundHere:
    """What lists ask, on the host that this process runs on: `matching.Asking`.

    Each question is an evaluation of its own, with the limits of one.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def named(self, keyword: str, name: str) -> str | None:
        return self._around().named(keyword, name)

    def lines(self, path: str) -> list[str]:
        return self._around().lines(path)

    def find(self, kind: str, key: str, query: str) -> Found | NotFound:
        return self._around().find(kind, key, query)

    def hostname(self) -> str:
        return self._around().hostname()

    def is_local(self, address: str) -> bool:
        return is_local(address)

    def addresses(self, name: str) -> frozenset[str]:
        return self._around().addresses(name)

    def _around(self) -> Around:
        return Around(Evaluator(self._environment))


class OptionValues:
    """The options of one block, by their defaults where they are not set.

    kind, driver: as for `catalog.option`. unhonoured: grows as options are read.
    lenient: a value that cannot be used is noted, and the default taken; what one
    client brings about must not stop a server.
    """

    def __init__(
        self, options: Options, kind: str, driver: str | None, environment: Environment
    ) -> None:
        self.options = options
        self.environment = environment
        self.unhonoured: list[Unhonoured] = []
        self.lenient = False
        self._kind = kind
        self._driver = driver

    def within(self, **variables: str) -> OptionValues:
        """The same with variables set; what is noted is noted for both."""
        known = {name: Known(text) for name, text in variables.items()}
        merged = {**self.environment.variables, **known}
        inner = OptionValues(
            self.options, self._kind, self._driver,
            replace(self.environment, variables=merged),
        )  # fmt: skip
        inner.unhonoured = self.unhonoured
        inner.lenient = self.lenient
        return inner

    def note(self, option: str, reason: str, *, weakens: bool = False) -> None:
        """Note that an option, or a part of it, is not followed; once."""
        noted = Unhonoured(option, reason, weakens)
        if noted not in self.unhonoured and len(self.unhonoured) < MOST_NOTED:
            self.unhonoured.append(noted)

    def text(self, name: str) -> str:
        """The value as it is written, or its default; "" where there is none."""
        option = self.options.get(name)
        if option is None:
            return self._default(name)
        if option.value is None:
            return "false" if option.negated else "true"
        return option.text

    def _default(self, name: str) -> str:
        release = self.environment.release
        return defaults.default(self._kind, self._driver, name, release) or ""

    def flag(self, name: str) -> bool:
        """A boolean option."""
        return self.text(name).strip(BLANK).lower() in _TRUE

    def expanded(self, name: str) -> str | None:
        """The value after expansion, as octets; None after a forced failure.

        Raises SettingsError where there is none.
        """
        result = self.result(name)
        if isinstance(result, Failure):
            if result.forced:
                return None
            raise SettingsError(f"{name}: {decode(result.message)}")
        return result.text

    def result(self, name: str) -> Known | Failure:
        """What expanding the value comes to."""
        return self.expand(name, self.text(name))

    def expand(self, name: str, text: str) -> Known | Failure:
        """What expanding a text of the option `name` comes to."""
        if "$" not in text and "\\" not in text:
            return Known(text)
        for found in _ELSEWHERE.findall(text):
            if found not in self.environment.variables:
                self.note(name, f"it reads ${display(found)}, which is not there here")
        return expand(text, self.environment)

    def number(self, name: str) -> int:
        """An integer or a size, expanded. Raises SettingsError, unless lenient."""
        try:
            return integer(self.expanded(name) or "")
        except ExpansionFailed as failed:
            error = SettingsError(f"{name}: {decode(failed.message)}")
        except SettingsError as unusable:
            error = unusable
        if not self.lenient:
            raise error
        self.note(name, f"the default is taken: {error}")
        return integer(self._default(name))

    def time(self, name: str) -> float:
        """A time in seconds, expanded. Raises SettingsError."""
        text = (self.expanded(name) or "").strip(BLANK)
        found = seconds(text)
        if found is None:
            raise SettingsError(f"{name}: {display(text)} is no time, such as 5m")
        return float(found)

    def items(self, name: str) -> list[str]:
        """The items of a list, expanded. Raises SettingsError."""
        return split_list(self.expanded(name) or "")[1]

    def host_list(self, name: str) -> HostList | None:
        """A host list, expanded; None where it cannot be, which is noted.

        Raises SettingsError for what is no host list, unless lenient.
        """
        result = self.result(name)
        if isinstance(result, Failure) and not result.forced:
            self.note(name, decode(result.message))
            return None
        text = "" if isinstance(result, Failure) else result.text
        try:
            return HostList.of(text, AroundHere(self.environment))
        except SettingsError as error:
            if not self.lenient:
                raise SettingsError(f"{name}: {error}") from None
            self.note(name, str(error))
            return None

    def matches(
        self, name: str, address: str, host: str = "", *, guards: bool = False
    ) -> bool:
        """Whether a host list holds for a host.

        guards: it makes the mail safer, and holds where it cannot be decided; another
        one does not.
        """
        listed = self.host_list(name)
        answer = None if listed is None else listed.answer(address, host)
        if answer is None:
            for what in listed.unsupported if listed is not None else ():
                self.note(name, what)
            taken = "so it is taken to hold" if guards else "so it is taken not to hold"
            self.note(name, f"it cannot be decided, {taken}")
            return guards
        return answer


def set_options(values: OptionValues) -> list[str]:
    """The names of the options that are set, each once."""
    return list(dict.fromkeys(option.name for option in values.options))
