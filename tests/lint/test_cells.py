r"""Text character by character agrees with the tree: same outcome, same places."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.nodes import Expansion, Literal
from eximkit.expansion.parse import parse
from eximkit.expansion.walk import walk
from eximkit.lint.rules.cells import HOLE, cells, text_of

PIECES = st.sampled_from([
    "a", "N", "x41", "101", "7", "n", "\\", "\\N", "{", "}", "$", "$domain ", "\\}",
    "${lc:x}", "${if match_domain{a\\.b}{^a\\.$ : \\Nb\\.\\N}{", "\n", "^", ":",
])  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join))
def test_the_characters_are_those_of_the_tree(text: str) -> None:
    try:
        tree = parse(text)
    except ExpansionSyntaxError:
        return
    for node in walk(tree):
        if not isinstance(node, Expansion):
            continue
        row = cells(text, node)
        expected = "".join(
            part.text if isinstance(part, Literal) else HOLE for part in node.parts
        )
        assert text_of(row) == expected
        assert all(node.start <= cell.start < cell.end <= node.end for cell in row)
