"""Logical lines to a `Config`, with everything for which Exim refuses to load a file.

Exim specification, chapters 6 and 7; details by trying 4.96. Whatever the text, a
`Config` comes out: an error of a line is noted, and the next line is read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.config import (
    acls,
    blocks,
    drivers,
    mainpart,
    rules,
    settings,
    startup,
)
from eximkit.config.lines import LineReader, Part
from eximkit.config.macros import MacroTable, parse_define
from eximkit.config.model import Acl, AclStatement, Config, Driver, Rule
from eximkit.config.quoting import take_word
from eximkit.config.refusal import Guesses, within
from eximkit.config.sections import (
    FRAGMENTS,
    KINDS,
    SECTIONS,
    SKIPPED,
    begin_problem,
    section_named,
)
from eximkit.config.settings import Where
from eximkit.config.statements import (
    AclLine,
    Begin,
    BlockName,
    Definition,
    ListDefinition,
    Malformed,
    RetryLine,
    RewriteLine,
    Setting,
    parse,
)
from eximkit.source import SourceFile, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eximkit.catalog import Release
    from eximkit.config.directives import FileReader
    from eximkit.config.model import Option
    from eximkit.config.statements import Statement
    from eximkit.problem import Problem

_HIDDEN_LISTS = catalog.release("4.94")


def build(
    main: SourceFile | Iterable[Part],
    files: FileReader,
    *,
    release: Release = catalog.NEWEST,
    defines: Sequence[str] = (),
    fragment: str | None = None,
) -> Config:
    """Read a configuration, or a fragment of one.

    main: the file, or the parts that make it up, in order. files: how included files
    are reached. release: the Exim whose options and built-in macros count. defines: the
    `-D` arguments, `NAME` or `NAME=value`. fragment: a key of `FRAGMENTS`, None for a
    whole configuration.

    Raises SettingsError for a `-D` that Exim would refuse, and nothing else.
    """
    macros = MacroTable(
        catalog.builtin_macros(release), [parse_define(text) for text in defines]
    )
    if fragment == "expansion":
        return _expansion(main, release)
    builder = _Builder(LineReader(main, files, macros), release, fragment)
    return builder.run()


def _expansion(main: SourceFile | Iterable[Part], release: Release) -> Config:
    parts = [Part(main)] if isinstance(main, SourceFile) else list(main)
    text = Text.join(Text.of(part.file, part.start, part.end) for part in parts)
    text = text.slice(0, len(text.text.removesuffix("\n").removesuffix("\r")))
    files = [part.file for part in parts]
    return Config(
        files=files, lines=[text], release=release, fragment="expansion", expansion=text
    )


class _Builder:
    """Reads line by line; what it holds between lines is the section and the block."""

    def __init__(
        self, reader: LineReader, release: Release, fragment: str | None
    ) -> None:
        self.reader = reader
        self.release = release
        self.config = Config(
            files=reader.files,
            problems=reader.problems,
            release=release,
            fragment=fragment,
        )
        self.section = FRAGMENTS[fragment] if fragment else "main"
        self.rule = SECTIONS.get(self.section, "main_line")
        self.acl: Acl | None = None
        self.statement: AclStatement | None = None
        self.driver: Driver | None = None
        self.guesses = Guesses()
        self.where = Where("main", release=release, guesses=self.guesses)
        self.names: dict[str, dict[str, Text]] = {}
        self.listed: dict[tuple[str, str], Text] = {}
        self.early: Problem | None = None
        """The first option of a driver that stands before the line with the driver."""
        self.faulty: list[Option] = []
        """Settings that were refused: what they say is judged no further."""
        self.lost = False
        """Whether the block that these lines belong to has no usable name."""

    def run(self) -> Config:
        config, reader = self.config, self.reader
        if self.section != "main":
            self._enter(self.section)
        while (line := reader.next_line()) is not None:
            config.lines.append(line)
            if line.text:
                self._take(parse(line, self.rule), line)
        self._end_block()
        config.macros = reader.macros.defined
        config.remarks = reader.remarks
        for problem in drivers.cross_check(config, self.release):
            self._note(problem, problem.section or "")
        for problem in mainpart.check(config, self.release):
            self._note(problem, "main")
        for problem in startup.check(config, self.release, self.faulty):
            self._note(problem, "main")
        return config

    def _take(self, statement: Statement, line: Text) -> None:
        if isinstance(statement, Begin):
            self._begin(statement, line)
        elif self.section == SKIPPED:
            return
        elif isinstance(statement, Definition):
            self._definition(line)
        else:
            _HANDLERS[type(statement)](self, statement, line)

    def _note(
        self, problem: Problem | None, section: str = "", option: str = ""
    ) -> None:
        if problem is None:
            return
        driver = self.driver.name if self.driver is not None else ""
        where = section or self.section
        self.config.problems.append(
            within(problem, where if where != SKIPPED else "", driver, option)
        )

    # Sections

    def _begin(self, statement: Begin, line: Text) -> None:
        self._end_block()
        part = statement.section
        section = section_named(part.text)
        problem = begin_problem(section, part, self.config.sections)
        self.section, self.rule = section or SKIPPED, "retry_line"
        self._note(problem)
        if section is None or section == "local_scan":
            self.section = SKIPPED
            return
        self.config.sections.setdefault(section, line)
        self._enter(section)

    def _enter(self, section: str) -> None:
        self.section, self.rule = section, SECTIONS[section]
        self.lost = False

    def _definition(self, line: Text) -> None:
        """A macro: outside the main part it ends the block that it stands in."""
        driver = self.driver
        self._end_block(line)
        # What follows would be of a block that has been reported already.
        self.lost = driver is not None and not driver.driver
        self._note(self.reader.macros.define(line))

    # The main part, and the settings of drivers

    def _setting(self, setting: Setting, line: Text) -> None:
        if self.section != "main" and self.driver is None and not self._anonymous(line):
            self._lost_line(line)
            return
        driver, where = self.driver, self.where
        options = driver.options if driver is not None else self.config.options
        name = setting.name.text
        option = settings.base_name(name)
        info = settings.lookup(where, option)
        problem = settings.check_known(setting, where, info)
        if info is None:
            if problem is not None and problem.code == "EXR309":
                # One finding for all of them, unless the block has no driver at all.
                self.early = self.early or problem
            else:
                self._note(problem, option=option)
            if not option:
                return
        else:
            problem = (
                problem
                or settings.check_again(setting, info, options)
                or settings.check_value(setting, info, line, self.release)
            )
            self._note(problem, option=option)
        made = settings.option_of(setting, line, info)
        if problem is not None:
            self.faulty.append(made)
        options.add(made)
        if option == "driver" and driver is not None and not driver.driver:
            driver.driver = made.text
            known, problem = drivers.check_driver(driver.kind, made, self.release)
            self.where = replace(
                where, driver=made.text if known else None, of_any=False
            )
            self._note(problem, option=option)
            if self.early is not None:
                related = (("the driver is told here", made.name_place),)
                self._note(replace(self.early, related=related))

    def _list(self, definition: ListDefinition, line: Text) -> None:
        made, problem = mainpart.named_list(definition, line)
        if definition.hidden and self.release < _HIDDEN_LISTS:
            problem = mainpart.too_early_to_hide(definition, self.release)
        if made is not None:
            key = (made.kind, made.name)
            before = self.listed.setdefault(key, line)
            if before is not line and problem is None:
                problem = mainpart.second_list(made, definition, before)
            self.config.named_lists.append(made)
        self._note(problem)

    def _malformed(self, malformed: Malformed, line: Text) -> None:  # noqa: ARG002
        if self.section != "main" and self.driver is None:
            self._lost_line(line)
            return
        self._note(mainpart.malformed(line))

    # Blocks

    def _block_name(self, block: BlockName, line: Text) -> None:
        self._end_block()
        acl, name = self.section == "acl", block.name.text
        what = "ACL" if acl else KINDS[self.section]
        known = self.names.setdefault(self.section, {})
        before = known.setdefault(name, line)
        for problem in blocks.name_problems(
            block, what, self.release, None if before is line else before
        ):
            self._note(problem)
        self.lost = False
        if acl:
            self.acl = Acl(name, line)
            self.config.acls.setdefault(name, self.acl)
        else:
            self._open_driver(name, line)
            self.lost = block.junk is not None

    def _open_driver(self, name: str, line: Text) -> None:
        kind = KINDS[self.section]
        self.driver = Driver(kind, name, line)
        getattr(self.config, self.section).append(self.driver)
        self.where = Where(kind, "", self.release, guesses=self.guesses)

    def _anonymous(self, line: Text) -> bool:
        """Open the block that a fragment of options is; False where there is none."""
        if self.config.fragment is None or self.lost or self.names.get(self.section):
            return False
        self._open_driver("", line)
        self.where = replace(self.where, driver=None, of_any=True)
        return True

    def _lost_line(self, line: Text) -> None:
        """A line of no block: one problem for all such lines that follow each other."""
        if self.lost or self.section == SKIPPED:
            return
        self.lost = True
        what = "ACL" if self.section == "acl" else KINDS[self.section]
        self._note(blocks.no_name(line, what))

    def _end_block(self, macro: Text | None = None) -> None:
        """What can be said of a driver only when its last line was read.

        macro: the definition that ended the block, if that is what did.
        """
        driver = self.driver
        named = driver is not None and (driver.name or self.config.fragment is None)
        # After text behind the name, that may well have been the driver.
        if driver is not None and not self.lost and not driver.driver and named:
            self._note(blocks.no_driver(driver, macro))
        self.driver = self.acl = self.statement = self.early = None
        self.where = Where("main", release=self.release, guesses=self.guesses)

    # The other sections

    def _acl_line(self, part: AclLine, line: Text) -> None:
        if self.acl is None:
            if self.config.fragment is None or self.lost or self.config.acls:
                self._lost_line(line)
                return
            self.acl = self.config.acls[""] = Acl("", line)
        started = acls.statement_of(part, line)
        if started is not None:
            self.statement = started
            self.acl.statements.append(started)
        self._note(acls.check(part, self.statement, line, self.release))
        if self.statement is None:
            # One finding for a missing verb; the lines after it are no new defects.
            self.statement = AclStatement("", line, line.place(0, 0))
        condition = acls.condition_of(part, line)
        if condition is not None:
            self.statement.conditions.append(condition)

    def _retry(self, rule: RetryLine, line: Text) -> None:
        self._note(rules.check_retry(rule))
        parts = (rule.error, rule.list, rule.rules)
        fields = [take_word(rule.pattern.traced)[0].text]
        fields += [part.traced for part in parts if part is not None]
        self.config.retry.append(Rule(line, tuple(fields)))

    def _rewrite(self, rule: RewriteLine, line: Text) -> None:
        self._note(rules.check_rewrite(rule))
        words = (rule.pattern, rule.replacement)
        fields = [take_word(part.traced)[0].text for part in words if part is not None]
        if rule.flags is not None:
            fields.append(rule.flags.traced)
        self.config.rewrite.append(Rule(line, tuple(fields)))


_HANDLERS: dict[type, Callable[..., None]] = {
    Setting: _Builder._setting,  # noqa: SLF001 - the table of its own methods
    ListDefinition: _Builder._list,  # noqa: SLF001
    Malformed: _Builder._malformed,  # noqa: SLF001
    BlockName: _Builder._block_name,  # noqa: SLF001
    AclLine: _Builder._acl_line,  # noqa: SLF001
    RetryLine: _Builder._retry,  # noqa: SLF001
    RewriteLine: _Builder._rewrite,  # noqa: SLF001
}
