"""Items that ask the machine: files, the environment, commands.

Exim specification, section 11.5 (env, readfile, run). Without a world their values are
unknown, `readfile` apart, for which the environment may have a lookup.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion.commands import split_command
from eximkit.expansion.environment import Found, NotFound
from eximkit.expansion.lists import split_list
from eximkit.expansion.nodes import Tail
from eximkit.expansion.patterns import match_name
from eximkit.expansion.values import (
    EMPTY,
    NOTHING,
    ExpansionFailed,
    Known,
    Unknown,
    Value,
    derived,
)
from eximkit.expansion.world import FileFailed, NotAllowed

if TYPE_CHECKING:
    from eximkit.expansion.evaluate import Evaluator
    from eximkit.expansion.nodes import Item

NOT_EXECUTED = 127
"""The exit status where a command cannot be started."""

_BOUNDS = frozenset({errno.EFBIG, errno.ETIMEDOUT})
_IS_DIRECTORY = 21
_SPLIT_FIRST_SINCE = catalog.release("4.96")


def known_text(value: Value, what: str) -> str:
    """The text of a value that has to be known. Raises NotAllowed."""
    if isinstance(value, Unknown):
        raise NotAllowed(f"{what}, which depends on {value.holes[0].name}")
    return value.text


def readfile(evaluator: Evaluator, node: Item) -> Value:
    """`${readfile{path}{eol}}`."""
    arguments = [evaluator.expand(a) for a in node.arguments]
    answer = evaluator.environment.lookup("readfile", None, arguments[0])
    if isinstance(answer, NotFound):
        raise ExpansionFailed(f"failed to open {arguments[0]}", file=True)
    if isinstance(answer, Found):
        return answer.value
    if not evaluator.concrete:
        return derived(node.name, *arguments)
    path, *ends = (known_text(a, "a file") for a in arguments)
    text = file_text(evaluator, path)
    if ends:
        evaluator.measure(len(text) + text.count("\n") * len(ends[0]))
        text = text.replace("\n", ends[0])
    evaluator.measure(len(text))
    return Known(text, NOTHING.union(*(a.depends for a in arguments)))


def file_text(evaluator: Evaluator, path: str) -> str:
    """A file's octets; a directory opens, and has none."""
    try:
        return evaluator.world.read(path)
    except FileFailed as failed:
        if failed.number == _IS_DIRECTORY:
            return ""
        message = f"failed to open {path}: {failed.reason}"
        raise ExpansionFailed(message, file=True) from None


def env(evaluator: Evaluator, node: Item) -> Value:
    """`${env{name}{yes}{no}}`, as far as `keep_environment` lets it through."""
    name = evaluator.expand(node.arguments[0])
    text = known_text(name, "the environment")
    value = _variable(evaluator, text)
    tail = node.tail or Tail(node.end, node.end)
    mark = len(evaluator.pending)
    found = Known(value or "", name.depends)
    return evaluator.fork(value is not None, mark, tail, found, node.name)


def _variable(evaluator: Evaluator, name: str) -> str | None:
    options = evaluator.environment.options
    for setting in split_list(options.get("add_environment", ""))[1]:
        key, sign, value = setting.partition("=")
        if sign and key == name:
            return value
    kept = options.get("keep_environment")
    if not name or (kept is not None and match_name(name, kept) is None):
        return None
    return evaluator.world.environment(name)


def run(evaluator: Evaluator, node: Item) -> Value:
    """`${run{command}{yes}{no}}`; $runrc and $value are left as they then are."""
    options = [option.strip() for option in node.options.split(",") if option.strip()]
    for option in options:
        if option != "preexpand":
            raise ExpansionFailed(f"bad option '{option}' for run", syntax=True)
    arguments = _arguments(evaluator, node, preexpand=bool(options))
    try:
        done = evaluator.world.run(arguments) if arguments and arguments[0] else None
    except FileFailed as failed:
        if failed.number in _BOUNDS:
            what = f"the output of {arguments[0]}: {failed.reason}"
            raise NotAllowed(what) from failed
        done = None
    status, output = (NOT_EXECUTED, "") if done is None else (done.status, done.output)
    evaluator.measure(len(output))
    evaluator.lasting["runrc"] = Known(str(status))
    evaluator.lasting["value"] = Known(output)
    if status < 0:
        raise ExpansionFailed(f"command killed by signal {-status}")
    tail = node.tail or Tail(node.end, node.end)
    if status == 0:
        return evaluator.fork(True, len(evaluator.pending), tail, Known(output), "run")
    return evaluator.branch(False, tail, EMPTY, "run")


def _arguments(evaluator: Evaluator, node: Item, *, preexpand: bool) -> list[str]:
    """The words of the command, each expanded.

    They are what stands in the text, split before anything is expanded; with
    `preexpand`, and before 4.96, all of it is expanded first, and then split.
    """
    argument = node.arguments[0]
    if preexpand or evaluator.environment.release < _SPLIT_FIRST_SINCE:
        whole = known_text(evaluator.expand(argument), "a command")
        return split_command(whole)
    if not evaluator.source:
        raise NotAllowed("the command of ${run as it is written")
    command = evaluator.source[argument.start : argument.end]
    return [_expanded(evaluator, word, command) for word in split_command(command)]


def _expanded(evaluator: Evaluator, word: str, command: str) -> str:
    try:
        return evaluator.text(word)
    except ExpansionFailed as failed:
        raise failed.again(
            f'Expansion of "{word}" from command "{command}" in ${{run}} expansion '
            f"failed: {failed.message}"
        ) from None
