"""The texts of one evaluation: their trees, and what Exim would refuse in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.parse import TooLarge, parse
from eximkit.expansion.refusals import refusals
from eximkit.expansion.unreadable import complaint
from eximkit.expansion.values import ExpansionFailed
from eximkit.expansion.world import NotAllowed

if TYPE_CHECKING:
    from eximkit.catalog import Release
    from eximkit.expansion.nodes import Expansion, Node

REMEMBERED = 256
"""How many trees are kept: a replacement is expanded again for every match."""


@dataclass(slots=True)
class Texts:
    """release: whose names count; None: names are not looked at."""

    release: Release | None
    trees: dict[str, Expansion] = field(default_factory=dict)
    flaws: dict[int, tuple[Node, str]] = field(default_factory=dict)
    """What Exim says of nodes, by their ids (which are theirs while they are here)."""

    def tree(self, text: str) -> Expansion:
        """The tree of a text.

        Raises ExpansionFailed where it cannot be taken apart, NotAllowed where it is
        too large to be.
        """
        tree = self.trees.get(text)
        if tree is not None:
            return tree
        try:
            tree = parse(text)
        except TooLarge as error:
            raise NotAllowed(error.message) from error
        except ExpansionSyntaxError as error:
            raise ExpansionFailed(self._words(text, error), syntax=True) from error
        if self.release is not None:
            if text.endswith("\\"):
                self._look_at_end(text, self.release)
            self.flaws |= refusals(tree, self.release)
        if len(self.trees) < REMEMBERED:
            self.trees[text] = tree
        return tree

    def _look_at_end(self, text: str, release: Release) -> None:
        """A backslash that escapes nothing is taken by the grammar, not by Exim."""
        words = complaint(text, release)
        if words is not None:
            raise ExpansionFailed(words, syntax=True)

    def _words(self, text: str, error: ExpansionSyntaxError) -> str:
        """Exim's account of a string that cannot be taken apart, where it has one."""
        words = None if self.release is None else complaint(text, self.release)
        return error.message if words is None else words

    def look_at(self, node: Node) -> None:
        """Raises ExpansionFailed where Exim does not understand a node."""
        if self.flaws and id(node) in self.flaws:
            raise ExpansionFailed(self.flaws[id(node)][1], syntax=True)
