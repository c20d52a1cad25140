"""Who taught a bundle: the same answer everywhere, and nobody of another hospital."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from barocast.calibration.learned_from import LearnedFrom

ROLES = (("train", 0.7), ("calibration", 0.8), ("test", 1.0))
USES = MappingProxyType({"weights": ("train",), "calibrator": ("calibration", "train")})


def learned(roles=ROLES, uses=USES):
    return LearnedFrom("Here", "salt", roles, uses)


def test_a_patient_taught_what_the_record_says():
    record = learned()
    taught = {record.role_of(str(i)): record.taught("Here", str(i)) for i in range(200)}

    assert taught == {"train": ("calibrator", "weights"), "calibration": ("calibrator",), "test": ()}


def test_the_same_id_at_another_hospital_is_somebody_else():
    assert {learned().taught("Elsewhere", str(i)) for i in range(50)} == {()}


def test_the_record_survives_its_manifest():
    assert LearnedFrom.from_dict(learned().to_dict()) == learned()


@pytest.mark.parametrize(
    ("roles", "uses", "said"),
    [
        ((("train", 0.7),), {}, "rise to 1"),
        ((("train", 0.9), ("test", 0.5)), {}, "rise to 1"),
        ((), {}, "rise to 1"),
        (ROLES, {"weights": ("nobody",)}, "'nobody'"),
    ],
)
def test_a_record_that_cannot_be_meant_is_refused(roles, uses, said):
    with pytest.raises(ValueError, match=said):
        learned(roles, uses)
