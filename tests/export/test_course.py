"""The teacher's whole way on a made-up cohort: stages, what they share, and whose text is whose."""

from __future__ import annotations

import pickle
from argparse import ArgumentParser, Namespace
from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_student import SMALL

from barocast.export.cohort import Burden, Case
from barocast.export.commands import ablate, courses, student
from barocast.export.course.attend import attend
from barocast.export.course.cross_taught import cross_taught
from barocast.export.course.material import texts_of
from barocast.export.course.settings import COURSES, Course
from barocast.export.crossval import folds
from barocast.export.diffusion.denoiser import Drill
from barocast.export.diffusion.windows import DiffusionSettings
from barocast.export.fusion.channels import seen_on
from barocast.export.fusion.forecasting import predict
from barocast.export.fusion.lesson import LessonSettings
from barocast.export.fusion.paper import PaperSettings
from barocast.export.fusion.settings import TeacherSettings
from barocast.export.ledger import picture
from barocast.export.ledger.account import account, try_all
from barocast.export.ledger.arms import PAPER, TEACHER, Arm, arms
from barocast.export.ledger.page import page
from barocast.export.ledger.picture import ledger_svg
from barocast.export.ledger.trial import Trials
from barocast.export.recipe import Material, teach, without_subjects
from barocast.export.rows import augment, make_rows
from barocast.runtime.domain import Patient
from barocast.runtime.errors import SettingsError

CASES = 12


def case(number: int) -> Case:
    random = np.random.default_rng(number)
    at = np.arange(420)
    falls = 16 * np.sin(at / random.uniform(9, 14)) ** 8
    mmhg = 78 + random.normal(0, 1, at.size) + 4 * np.sin(at / 50) - falls
    patient = Patient(age_years=30.0 + 4 * number, sex="FM"[number % 2], asa=1 + number % 3)
    return Case(str(number), f"s{number}", "vitaldb_or", mmhg, patient, "made up", 0.0, 0.0)


@pytest.fixture(scope="module")
def material() -> Material:
    cases = [case(number) for number in range(CASES)]
    burdens = [Burden(c.subject_id, c.patient, 0.01 * n, "samples") for n, c in enumerate(cases)]
    return Material(cases, burdens, make_rows(cases, every=4), augment(cases[:4], every=16), "made-up")


COURSE = Course(
    TeacherSettings(trunk="tiny", layers=1, width=8, text_tokens=48),
    LessonSettings(steps=6, batch=16),
    learning_rate=1e-3,
    made="none",
    distilled=False,
    text_steps=3,
    patch_steps=3,
    straight_steps=4,
)


def quiet(_: str) -> None:
    """Say nothing."""


def test_a_course_goes_through_its_stages_and_leaves_a_curve_of_each(material, tmp_path):
    graduate = attend(COURSE, material, {"s0"}, tmp_path, quiet)

    assert list(graduate.curves) == ["text", "patches", "straight", "fusion"]
    assert graduate.texts.shape == (CASES, 48)
    assert not graduate.teacher.training


def test_a_course_taken_again_is_read_and_says_the_same(material, tmp_path):
    first = attend(COURSE, material, {"s0"}, tmp_path, quiet)
    taught = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    again = attend(COURSE, material, {"s0"}, tmp_path, quiet)

    said, repeated = (predict(g.teacher, material.rows, g.texts).logits for g in (first, again))
    assert said.tolist() == repeated.tolist()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")} == taught


def test_courses_that_begin_alike_share_their_beginning(material, tmp_path):
    attend(COURSE, material, {"s0"}, tmp_path, quiet)
    attend(replace(COURSE, lesson=replace(COURSE.lesson, steps=7)), material, {"s0"}, tmp_path, quiet)

    stages = sorted(path.name.split("-")[0] for path in (tmp_path / "course").iterdir())
    assert stages == ["fusion", "fusion", "patches", "straight", "text"]


def test_who_must_not_be_seen_changes_nothing_that_is_learned(material, tmp_path):
    other = replace(material.cases[0], map_mmhg=material.cases[0].map_mmhg - 9)
    changed = replace(
        material,
        cases=[other, *material.cases[1:]],
        rows=make_rows([other, *material.cases[1:]], every=4),
        augmented=augment([other, *material.cases[1:4]], every=16),
    )

    taught = [attend(COURSE, m, {"s0"}, tmp_path / str(n), quiet) for n, m in enumerate((material, changed))]

    one, two = (dict(graduate.teacher.named_parameters()) for graduate in taught)
    assert [name for name in one if one[name].tolist() != two[name].tolist()] == []


def test_made_falls_are_shown_beside_real_ones_with_their_own_patients_text(material, tmp_path):
    short = DiffusionSettings(width=16, blocks=1, stretch=Drill(updates=5), residual=Drill(updates=5))
    course = replace(COURSE, made="paper", diffusion=short, text_steps=0, patch_steps=2, straight_steps=0)
    graduate = attend(course, material, {"s0"}, tmp_path, quiet)

    (kept,) = tmp_path.glob("made-*.npz")
    with np.load(kept) as made:
        assert 0 not in made["case"]
        assert made["labels"].shape[1] == 3
    assert list(graduate.curves) == ["patches", "fusion"]


def simulated(number: int, rate: float = 70.0) -> Case:
    one = case(100 + number)
    heart = rate + 0.5 * (85 - one.map_mmhg)
    return replace(one, folder="simulated", others={"HR": heart, "SPO2": np.full(heart.size, 97.0)})


WIDE = replace(COURSE, network=replace(COURSE.network, channels=("ABP_MEAN", "HR", "SPO2")))


def test_a_network_of_many_channels_is_taught_by_simulated_patients_who_have_them(material, tmp_path):
    virtual = [simulated(n) for n in range(3)]
    graduate = attend(WIDE, material, {"s0"}, tmp_path, quiet, virtual)

    assert list(graduate.curves) == ["text", "patches", "straight", "fusion"]
    assert len(graduate.texts) == CASES + len(virtual)
    rows = seen_on(make_rows(virtual, every=8), virtual, WIDE.network.channels)
    alone = replace(rows, mask=rows.mask * np.float32([[1], [0], [0]]))
    told, without = (predict(graduate.teacher, shown, graduate.texts[CASES:]) for shown in (rows, alone))
    assert np.isfinite(without.logits).all()
    assert not np.array_equal(told.logits, without.logits)


def test_other_simulated_patients_are_another_training_and_the_same_are_not(material, tmp_path):
    def folders(*virtual):
        attend(WIDE, material, {"s0"}, tmp_path, quiet, virtual)
        return {path.name for path in (tmp_path / "course").iterdir()}

    first = folders(simulated(0))
    assert folders(simulated(0)) == first
    new = folders(simulated(0, rate=90.0)) - first
    assert sorted(name.split("-")[0] for name in new) == ["fusion", "patches", "straight"]


def test_shuffled_texts_are_everybody_elses(material):
    patients = [c.patient for c in material.cases]
    own, shuffled, none = (
        texts_of(patients, replace(COURSE, text=which)) for which in ("own", "shuffled", "none")
    )

    assert sorted(map(str, own[:, 0].tolist())) == sorted(map(str, shuffled[:, 0].tolist()))
    assert not any((o == s).all() for o, s in zip(own, shuffled, strict=True))
    assert set(none.ravel().tolist()) == {-1}


def test_every_row_is_told_by_a_teacher_that_never_saw_its_patient(material, tmp_path):
    told = cross_taught(COURSE, material, {"s0"}, tmp_path, quiet)
    seen = without_subjects(material, {"s0"})
    real = len(seen.rows)

    assert len(told) == real + len(seen.augmented)
    assert np.isfinite(told.risk[:real]).all()
    assert np.isnan(told.risk[real:]).all()
    assert (np.diff(told.quantiles[:real], axis=1) >= 0).all()
    again = cross_taught(COURSE, material, {"s0"}, tmp_path, pytest.fail)
    assert np.array_equal(again.risk, told.risk, equal_nan=True)


def test_a_student_learns_from_trees_and_language_models_together(material, tmp_path):
    told = cross_taught(COURSE, material, {"s0"}, tmp_path, quiet)
    alone, both = (teach(material, {"s0"}, SMALL, tmp_path, quiet, others) for others in ((), [told]))

    weights = [taught.model.state_dict() for taught in (alone, both)]
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    again = teach(material, {"s0"}, SMALL, tmp_path, quiet, [told])
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in again.model.state_dict().items())


def test_the_papers_preset_cannot_teach_a_student(material, tmp_path):
    with pytest.raises(SettingsError, match="--language-model paper: name small or full"):
        student._language_model("paper", material, set(), Namespace(work=tmp_path, seed=0), quiet)


def test_the_papers_preset_is_taught_in_one_stage(material, tmp_path):
    course = replace(
        COURSES["paper"],
        network=PaperSettings(trunk="tiny", layers=(1, 1, 1), heads=2),
        lesson=LessonSettings(steps=2, batch=4, augmented_share=0.0, text_dropout=0.0),
        made="none",
    )
    graduate = attend(course, material, {"s0"}, tmp_path, quiet)

    assert list(graduate.curves) == ["fusion"]


def trials(material, work, every=1):
    return Trials(material, folds(material.cases), every, work, 1, quiet)


def test_the_ledger_judges_every_arm_on_patients_that_it_never_saw(material, tmp_path):
    tried = [
        Arm(TEACHER, COURSE, {"shown no text": frozenset({"demographics", "physical status"})}),
        Arm("no gate", replace(COURSE, network=replace(COURSE.network, gated=False))),
    ]
    judged, verdicts = try_all(tried, trials(material, tmp_path), 1)
    subjects = np.array([c.subject_id for c in material.cases])[material.rows.case]
    scores = {"coin": np.random.default_rng(0).random((len(material.rows), 3))}
    found = account(material.rows, subjects, verdicts, scores, draws=20)
    written = page(found, COURSE, 1, "barocast train ablate")

    assert judged.tolist() == list(range(len(material.rows)))
    assert list(verdicts) == [TEACHER, "shown no text", "no gate"]
    assert verdicts["shown no text"].gates[:, 0].max() == 0
    assert verdicts[TEACHER].logits.shape == (len(material.rows), 3)
    assert verdicts["no gate"].gates[:, 0].min() == 1
    assert "| coin |" in written
    assert "| shown no text |" in written
    assert ledger_svg(found).startswith("<svg")


def test_a_change_too_large_for_the_ledgers_picture_is_written_at_its_edge():
    small, large = ({"value": of, "low": of - 0.001, "high": of + 0.001} for of in (0.002, 0.118))
    scores = {"coin": {"ours_minus": small}, "paper": {"ours_minus": large}}
    found = {"arms": dict.fromkeys([TEACHER, *scores]), "discrimination": dict.fromkeys(("5", "10"), scores)}

    axes = picture._drawn(found).axes

    assert [[text.get_text().strip() for text in axis.texts] for axis in axes] == [["+0.118"], ["+0.118"]]


def test_a_finished_trial_is_read_again_in_the_same_order(material, tmp_path):
    tried = [Arm(TEACHER, COURSE)]
    _, once = try_all(tried, trials(material, tmp_path), 1)
    _, again = try_all(tried, trials(material, tmp_path), 1)

    assert once[TEACHER].logits.tolist() == again[TEACHER].logits.tolist()


def test_a_thinned_ledger_says_of_its_rows_what_the_whole_one_says(material, tmp_path):
    _, whole = try_all([Arm(TEACHER, COURSE)], trials(material, tmp_path), 1)
    judged, thin = try_all([Arm(TEACHER, COURSE)], trials(material, tmp_path, every=3), 1)

    assert len(judged) < len(material.rows) / 2
    np.testing.assert_allclose(thin[TEACHER].logits, whole[TEACHER].logits[judged], atol=1e-5)


def test_an_unknown_arm_is_named_with_those_that_there_are():
    with pytest.raises(SettingsError, match="'no txt' is unknown: name some of teacher, no language model"):
        arms(COURSE, COURSES["paper"], ["no txt"])


def test_every_arm_differs_from_the_teacher_and_from_every_other():
    every = arms(COURSES["small"], COURSES["paper"])

    assert pickle.dumps(every)  # they go to other processes
    assert every[0].name == TEACHER
    assert every[-1].name == PAPER
    assert len({arm.course.key for arm in every}) == len(every)


def test_the_ledgers_steps_and_batch_are_the_teachers_and_the_papers_preset_keeps_its_own():
    parser = ArgumentParser()
    ablate.add_arguments(parser)
    args = parser.parse_args(["--out", "ledger", "--steps", "160", "--batch", "64", "--paper-steps", "60"])

    ours, papers = courses.course_of(args).lesson, ablate.paper_course(args).lesson

    assert (ours.steps, ours.batch) == (160, 64)
    assert (papers.steps, papers.batch) == (60, COURSES["paper"].lesson.batch)
