"""Every promise of the box is shown by a test, or said not to be; and what documents say of tests is so."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest
import requirements
import soup
from requirements import NOT_SHOWN, REQUIREMENTS, TESTS, shown_by

if TYPE_CHECKING:
    from pathlib import Path

DOCS = TESTS.parent / "docs"
KNOWN = {name for subject in REQUIREMENTS.values() for name in subject}
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
"""How a document names a test."""


def test_every_requirement_is_shown_or_said_not_to_be():
    shown = set(shown_by())

    assert KNOWN - shown == set(NOT_SHOWN)
    assert all(reason for reason in NOT_SHOWN.values())


def test_no_mark_names_a_requirement_that_there_is_not():
    assert set(shown_by()) <= KNOWN


@pytest.mark.parametrize("made", [requirements, soup], ids=lambda made: made.__name__)
def test_the_committed_page_is_what_is_made_now(made):
    committed = (DOCS / f"{made.__name__}.md").read_text("utf-8")

    assert committed == made.page(), f"run `python tests/{made.__name__}.py > docs/{made.__name__}.md`"


@pytest.mark.parametrize("document", ["safety.md", "threat-model.md"])
def test_a_document_names_no_test_that_there_is_not(document):
    named = NAMED.findall((DOCS / document).read_text("utf-8"))

    assert len(named) > 40
    assert [f"{file}::{test}" for file, test in named if test not in functions(TESTS / file)] == []


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8")) if path.exists() else ast.Module([], [])
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_of_every_package_on_the_box_is_said_what_it_is_for():
    assert set(soup.PURPOSES) == set(soup.versions())
