"""Short names of exactly what a kept file was made of, so that an edit never silently reuses an old one.

In: plain values, and the module that makes the thing to keep. Out: a few hexadecimal digits for a file's
name. A module's source counts together with every module of this package that it imports, however far
down: no list has to be kept in step with the imports.
"""

from __future__ import annotations

import ast
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE: Final = Path(__file__).parent.parent
NAME: Final = "barocast"
DIGITS: Final = 12


def digest(value: object) -> str:
    """Name a value that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:DIGITS]


@cache
def source(module: str, package: Path = PACKAGE) -> str:
    """Name the source behind `module` (`export.rows`). Raises OSError for an unknown one.

    Read once a process: the code that runs counts, not an edit made meanwhile.
    """
    contents = {name: _file(package, name).read_bytes() for name in behind(module, package)}
    return digest({name: hashlib.sha256(content).hexdigest() for name, content in contents.items()})


def behind(module: str, package: Path = PACKAGE) -> list[str]:
    """Give the module and all that it imports from this package, directly or not, sorted."""
    found, waiting = {module}, [module]
    while waiting:
        new = set(_imported(package, waiting.pop())) - found
        found |= new
        waiting.extend(new)
    return sorted(found)


def _imported(package: Path, module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(_file(package, module).read_bytes())):
        for name in _names(node):
            inner = name.removeprefix(f"{NAME}.")
            if inner != name and _file(package, inner).is_file():
                yield inner


def _names(node: ast.AST) -> list[str]:
    """Give every name that may be a module: of `from a import b` both a and a.b."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _file(package: Path, module: str) -> Path:
    return package.joinpath(*module.split(".")).with_suffix(".py")
