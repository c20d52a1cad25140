"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("calibration", "export", "plugin", "runtime")


def modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def functions() -> list[tuple[str, int]]:
    """(place, lines of the body) of every function."""
    found = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                body = [
                    n
                    for n in node.body
                    if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
                ]
                lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                found.append((f"{path.relative_to(ROOT)}:{node.name}", lines))
    return found


def test_every_module_opens_with_its_contract():
    bare = [path for path in modules() if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]

    assert bare == []


def test_the_median_function_has_under_ten_lines():
    lengths = sorted(lines for _, lines in functions())

    assert lengths[len(lengths) // 2] < 10


def test_no_function_is_longer_than_a_screen():
    assert [place for place, lines in functions() if lines > 45] == []


@pytest.mark.req("RUN-03")
def test_only_the_edges_read_a_clock():
    """Time is a parameter of the core (design, part 3)."""
    readers = [
        str(path.relative_to(ROOT))
        for path in modules()
        if path.relative_to(ROOT).parts[0] in {"calibration", "runtime"}
        and any(
            word in path.read_text("utf-8") for word in ("time.time(", "datetime.now(", "time.monotonic(")
        )
    ]

    assert readers == []
