"""A stored dataclass is what the dataclass was, and only quicker to build."""

from __future__ import annotations

import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, replace

import pytest

from barocast.runtime.domain import Sample, WaveChunk
from barocast.runtime.stored import stored


@dataclass(frozen=True, slots=True)
class Plain:
    code: str
    value: float
    valid: bool = True


@stored
@dataclass(frozen=True, slots=True)
class Quick:
    code: str
    value: float
    valid: bool = True


def test_its_fields_may_be_given_by_place_by_name_or_by_default():
    assert Quick("a", 1.0) == Quick(value=1.0, code="a", valid=True) != Quick("a", 1.0, valid=False)


def test_its_signature_and_text_are_the_dataclass_own():
    assert inspect.signature(Quick) == inspect.signature(Plain)
    assert repr(Quick("a", 1.0)) == repr(Plain("a", 1.0)).replace("Plain", "Quick")


@pytest.mark.parametrize("given", [("a",), ("a", 1.0, True, 2)])
def test_too_few_or_too_many_fields_are_refused(given: tuple[object, ...]):
    with pytest.raises(TypeError, match="argument"):
        Quick(*given)


@pytest.mark.parametrize("kind", [Quick, Sample, WaveChunk])
def test_it_stays_frozen_and_without_room_for_more(kind: type):
    value = kind(*["x"] * len(inspect.signature(kind).parameters))

    with pytest.raises(FrozenInstanceError):
        value.code = "b"
    assert not hasattr(value, "__dict__")


def test_it_is_hashed_replaced_and_pickled_like_any_other():
    sample = Sample("HR", "147842", 1.0, 71.0, "1/min")

    assert {sample} == {replace(sample)} == {pickle.loads(pickle.dumps(sample))}  # noqa: S301 - our own bytes
    assert replace(sample, channel=None) == Sample(None, "147842", 1.0, 71.0, "1/min")
