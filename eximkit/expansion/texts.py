"""The texts of one evaluation: their trees, and what Exim would refuse in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.parse import TooLarge, parse
from eximkit.expansion.refusals import refusals
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
            raise ExpansionFailed(error.message, syntax=True) from error
        if self.release is not None:
            self.flaws |= refusals(tree, self.release)
        if len(self.trees) < REMEMBERED:
            self.trees[text] = tree
        return tree

    def look_at(self, node: Node) -> None:
        """Raises ExpansionFailed where Exim does not understand a node."""
        if self.flaws and id(node) in self.flaws:
            raise ExpansionFailed(self.flaws[id(node)][1], syntax=True)
