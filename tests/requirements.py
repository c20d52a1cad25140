"""What the box promises, and which test shows it: `python tests/requirements.py > docs/requirements.md`.

A test that shows a requirement carries `@pytest.mark.req("ALM-04")`. The table is read off the tests' own
source, so it cannot name a test that is not there. What no test shows stands under `not-shown` in
requirements.toml, with the reason.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TESTS = Path(__file__).parent

SAID = tomllib.loads((TESTS / "requirements.toml").read_text("utf-8"))
NOT_SHOWN: dict[str, str] = SAID.pop("not-shown")
"""Requirement -> why no test here shows it."""
REQUIREMENTS: dict[str, dict[str, str]] = SAID
"""Subject -> requirement -> what it says."""


def shown_by() -> dict[str, list[str]]:
    """Give requirement -> `file::test` of every test that carries its mark."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, requirement in _marks(ast.parse(path.read_text("utf-8"))):
            found[requirement].append(f"{path.relative_to(TESTS)}::{name}")
    return dict(found)


def page() -> str:
    """Give the whole table as Markdown."""
    shown = shown_by()
    lines = [
        "# Requirements, and the tests that show them",
        "",
        "Made by `python tests/requirements.py` from the tests' own marks;",
        "a test fails when it is out of date.",
        "A requirement is a number that we set ourselves, not a claim of conformity with any standard.",
    ]
    for subject, requirements in REQUIREMENTS.items():
        lines += ["", f"## {subject}", "", "| | Requirement | Shown by |", "|---|---|---|"]
        for name, said in requirements.items():
            tests = (
                "<br>".join(f"`{test}`" for test in shown.get(name, []))
                or f"**not shown**: {NOT_SHOWN.get(name, 'nobody says why')}"
            )
            lines.append(f"| {name} | {said} | {tests} |")
    return "\n".join(lines) + "\n"


def _marks(tree: ast.Module):
    for node in ast.walk(tree):
        for decorator in getattr(node, "decorator_list", []):
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.req":
                yield from ((node.name, argument.value) for argument in decorator.args)


if __name__ == "__main__":
    sys.stdout.write(page())
