"""The training loop: it learns, says what it does, and a run cut off anywhere ends as if it had not been."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from barocast.export.schooling import checkpoint, record
from barocast.export.schooling.curve import Curve, Point, from_plain, to_plain
from barocast.export.schooling.curves_plot import curves_svg
from barocast.export.schooling.loop import fit
from barocast.export.schooling.progress import Progress
from barocast.export.schooling.settings import SchoolSettings
from barocast.runtime.errors import InputError, SettingsError

SETTINGS = SchoolSettings(
    steps=12, learning_rate=0.02, averaging=0.9, note_every=5, watch_every=4, save_every=3
)
FORK = multiprocessing.get_context("fork")


MAY_FORK = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
"""Python 3.12 warns of threads, of which the test's own worker has some."""
HERE = Path(__file__).parent


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Of a pool of threads a fork keeps only the locks; and more threads round otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Cut(Exception):  # noqa: N818 no error: the test's own way to stop
    """The power goes."""


@dataclass
class Lines:
    """y = the sum of x, seen through noise; a run may be cut off, or a batch spoilt, at a step."""

    steps: int = 1000
    rows: int = 8
    seed: int = 0
    cut_at: int = -1
    spoilt_at: int = -1
    slow_s: float = 0.0

    def batch(self, step):
        if step == self.cut_at:
            raise Cut
        time.sleep(self.slow_s)
        random = np.random.default_rng((self.seed, step))
        x = random.normal(size=(self.rows, 4)).astype(np.float32)
        y = x.sum(axis=1, keepdims=True)
        if step == self.spoilt_at:
            x[5, 2] = np.float32(1e38)
        return {"x": torch.from_numpy(x), "y": torch.from_numpy(y)}


class Network(nn.Module):
    """Everything that has to survive: dropout, a buffer that moves, a frozen part, weights never used."""

    def __init__(self, width=8, seed=0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.Dropout(0.2))
            self.out = nn.Linear(width, 1)
            self.frozen = nn.Linear(4, width).requires_grad_(requires_grad=False)
            self.unused = nn.Linear(3, 3)

    def answer(self, x):
        return self.out(self.layers(x) + self.frozen(x))


def loss(model, batch):
    return functional.mse_loss(model.answer(batch["x"]), batch["y"])


def error(model):
    return {"error": loss(model, Lines(rows=64, seed=9).batch(0)).item()}


def weights(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def taught(folder, source=None, settings=SETTINGS, **more):
    """Teach a fresh network; give its weights and its curve."""
    model = Network()
    curve = fit(model, source or Lines(), loss, settings, folder, **more)
    return weights(model), curve


def killed(folder, moment, count):
    """Teach until this very process is killed: before a batch, a draft, or its renaming."""
    left = int(count)

    def at(real):
        def counted(*given):
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*given)

        return counted

    place, name = {
        "batch": (Lines, "batch"),
        "save": (checkpoint, "keep"),
        "rename": (checkpoint, "replace"),
    }[moment]
    setattr(place, name, at(getattr(place, name)))
    taught(folder, watch=error)


class Plain(nn.Module):
    """Nothing in it looks at more than one row, or draws."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.layers = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
            self.unused = nn.Linear(3, 3)

    def answer(self, x):
        return self.layers(x)


def taught_plain(folder):
    model = Plain()
    fit(model, Lines(rows=7), loss, SETTINGS, Path(folder), watch=error)
    return weights(model)


def taught_in_one_of_many(folder):
    torch.save(taught_plain(folder), Path(folder) / f"weights-{torch.distributed.get_rank()}.pt")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing disturbed."""
    return taught(tmp_path_factory.mktemp("whole"), watch=error)


def test_it_learns_and_leaves_averaged_weights_in_eval_mode(tmp_path):
    model, settings = Network(), replace(SETTINGS, steps=150, averaging=0.95, learning_rate=0.05)
    before = error(model.eval())

    fit(model, Lines(rows=32), loss, settings, tmp_path)

    assert not model.training
    assert error(model)["error"] < 0.1 * before["error"]


def test_frozen_and_unused_weights_stay_as_they_were(whole):
    before, (after, _) = weights(Network()), whole

    assert not torch.equal(before["out.weight"], after["out.weight"])
    for name in ("frozen.weight", "frozen.bias", "unused.weight", "unused.bias"):
        assert torch.equal(before[name], after[name])


def test_the_kept_weights_are_the_running_average(tmp_path):
    last_of = {}
    for averaging in (0.0, 0.9):
        last_of[averaging], _ = taught(
            tmp_path / str(averaging), settings=replace(SETTINGS, averaging=averaging)
        )
    expected, decayed = Network(), []

    def following(model, batch):
        decayed.append(model.out.weight.detach().clone())
        return loss(model, batch)

    fit(expected, Lines(), following, replace(SETTINGS, averaging=0.0), tmp_path / "followed")
    average = decayed[0].clone()
    for taken, weight in enumerate([*decayed[1:], last_of[0.0]["out.weight"]], start=1):
        decay = min(0.9, taken / (taken + 10))
        average = decay * average + (1 - decay) * weight

    torch.testing.assert_close(last_of[0.9]["out.weight"], average)


def test_only_matrices_are_decayed(tmp_path):
    model = nn.Linear(4, 1)
    nn.init.ones_(model.weight)
    nn.init.ones_(model.bias)
    settings = replace(SETTINGS, steps=1, weight_decay=0.5, learning_rate=0.1, averaging=0.0)

    fit(model, Lines(), lambda m, batch: 0 * m(batch["x"]).sum(), settings, tmp_path)

    torch.testing.assert_close(model.weight.detach(), torch.full((1, 4), 0.95))
    assert model.bias.item() == 1


def test_the_rate_climbs_and_falls():
    settings = SchoolSettings(steps=100, learning_rate=2.0, warm_up=0.1)

    rates = [settings.rate(step) for step in range(100)]

    assert rates[0] == pytest.approx(0.2)
    assert max(rates) == rates[9] == rates[10] == 2.0
    assert rates[55] == pytest.approx(1.0)
    assert 0 < rates[99] < 0.01


@pytest.mark.parametrize("cut_at", range(1, 12))
def test_a_run_cut_off_after_any_step_ends_at_the_same_weights_and_curve(tmp_path, whole, cut_at):
    with pytest.raises(Cut):
        taught(tmp_path, Lines(cut_at=cut_at), watch=error)
    torch.rand(cut_at)

    again, curve = taught(tmp_path, watch=error)

    assert same(again, whole[0])
    assert curve == whole[1]


@MAY_FORK
@pytest.mark.parametrize("moment", ["batch 2", "batch 7", "save 3", "rename 3"])
def test_a_process_killed_at_any_moment_leaves_a_run_that_goes_on_to_the_same_weights(
    tmp_path, whole, moment
):
    child = FORK.Process(target=killed, args=(tmp_path, *moment.split()))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL

    again, curve = taught(tmp_path, watch=error)

    assert same(again, whole[0])
    assert curve == whole[1]


@MAY_FORK
def test_a_process_killed_from_outside_again_and_again_ends_at_the_same_weights(tmp_path, whole):
    for pause_s in (0.05, 0.1, 0.15, 0.2):
        child = FORK.Process(target=taught, args=(tmp_path, Lines(slow_s=0.01)), kwargs={"watch": error})
        child.start()
        time.sleep(pause_s)
        os.kill(child.pid, signal.SIGKILL)
        child.join()

    again, curve = taught(tmp_path, watch=error)

    assert same(again, whole[0])
    assert curve == whole[1]


@pytest.mark.parametrize("moment", ["keep", "replace"])
def test_a_run_cut_off_while_it_saves_goes_on_from_the_former_checkpoint(
    tmp_path, whole, monkeypatch, moment
):
    saves = []

    def cut(*given):
        saves.append(given)
        if len(saves) == 4:
            raise Cut
        return real(*given)

    real = getattr(checkpoint, moment)
    monkeypatch.setattr(checkpoint, moment, cut)
    with pytest.raises(Cut):
        taught(tmp_path, watch=error)
    monkeypatch.undo()

    again, curve = taught(tmp_path, watch=error)

    assert same(again, whole[0])
    assert curve == whole[1]


def test_two_processes_learn_what_one_learns_and_one_of_them_writes(tmp_path):
    launched = (
        f"import sys; sys.path.insert(0, {str(HERE)!r}); from accelerate import debug_launcher; "
        f"import test_schooling; debug_launcher(test_schooling.taught_in_one_of_many, ({str(tmp_path)!r},))"
    )

    subprocess.run([sys.executable, "-c", launched], check=True, timeout=120)

    expected = taught_plain(tmp_path / "one")
    for process in range(2):
        found = torch.load(tmp_path / f"weights-{process}.pt")
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert json.loads((tmp_path / record.FILE).read_text())["starts"][0]["processes"] == 2


def test_a_finished_run_is_only_read(tmp_path, whole):
    taught(tmp_path, watch=error)

    again, curve = taught(tmp_path, Lines(cut_at=1), watch=error)

    assert same(again, whole[0])
    assert curve == whole[1]


def test_watching_and_saving_change_no_weight(tmp_path, whole):
    def noisy(model):
        assert not model.training
        return {"drawn": torch.rand(1).item()}

    watched, _ = taught(tmp_path, settings=replace(SETTINGS, watch_every=1, save_every=1), watch=noisy)

    assert same(watched, whole[0])


def test_the_curve_holds_the_loss_the_rate_and_what_was_watched(whole):
    _, curve = whole

    assert [point.step for point in curve.points] == [4, 5, 8, 10, 12]
    assert [step for step, _ in zip(*curve.watched("error"), strict=True)] == [4, 8, 12]
    assert curve.points[-1].watched == error(_loaded(whole[0]))
    assert curve.points[1].learning_rate == SETTINGS.rate(4)
    assert all(point.loss > 0 for point in curve.points)


def test_a_curve_survives_json_with_a_figure_that_is_no_number():
    points = [Point(3, 0.5, 1e-3, {"auroc": float("nan"), "mae": 4.0})]

    plain = json.loads(json.dumps(to_plain(points), allow_nan=False))

    assert plain[0]["watched"]["auroc"] is None
    assert repr(from_plain(plain)) == repr(points)


def test_the_record_says_what_the_run_was(tmp_path):
    with pytest.raises(Cut):
        taught(tmp_path, Lines(cut_at=7))
    taught(tmp_path)

    told = json.loads((tmp_path / record.FILE).read_text())

    assert told["steps"] == 12
    assert told["identity"]["learning_rate"] == 0.02
    assert [start["from_step"] for start in told["starts"]] == [0, 6]
    assert [start["to_step"] for start in told["starts"]] == [6, 12]
    assert told["starts"][1]["checkpoint"] == str(tmp_path / checkpoint.FILE)
    assert told["starts"][1]["steps_per_s"] > 0
    assert told["starts"][0]["versions"]["torch"] == torch.__version__
    assert told["curve"][-1]["step"] == 12


def test_the_record_of_a_stage_names_the_weights_that_the_next_one_starts_with(tmp_path):
    model = Network()

    fit(model, Lines(), loss, SETTINGS, tmp_path / "first")
    fit(model, Lines(seed=1), loss, SETTINGS, tmp_path / "second")

    first, second = (
        json.loads((tmp_path / stage / record.FILE).read_text()) for stage in ("first", "second")
    )
    assert first["weights"] == second["identity"]["starting weights"]


@pytest.mark.parametrize(
    ("model", "source", "settings", "told"),
    [
        (Network(), Lines(), replace(SETTINGS, learning_rate=0.1), "learning_rate was 0.02, is 0.1"),
        (
            Network(width=6),
            Lines(),
            SETTINGS,
            r"shape of layers.0.weight was \(8, 4\).*is \(6, 4\).*and . more",
        ),
        (Network(seed=1), Lines(), SETTINGS, "starting weights was"),
        (Network(), Lines(seed=1), SETTINGS, "first batch was"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_with_the_mend(tmp_path, model, source, settings, told):
    taught(tmp_path)

    with pytest.raises(InputError, match=rf"checkpoint.safetensors: .*{told}.*; delete the folder or name"):
        fit(model, source, loss, settings, tmp_path)


@pytest.mark.parametrize("place", [3, 200, -1])
def test_a_checkpoint_with_one_changed_byte_is_refused(tmp_path, place):
    taught(tmp_path)
    path = tmp_path / checkpoint.FILE
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 1
    path.write_bytes(damaged)

    with pytest.raises(InputError, match=r"checkpoint.safetensors: is .*damaged.*delete the folder"):
        taught(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 something else", b"\x02\0\0\0\0\0\0\0{}"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    (tmp_path / checkpoint.FILE).write_bytes(content)

    with pytest.raises(InputError, match=r"checkpoint.safetensors: is .*damaged.*delete the folder"):
        taught(tmp_path)


def test_a_full_disk_is_told_and_leaves_the_former_checkpoint(tmp_path, whole):
    with pytest.raises(Cut):
        taught(tmp_path, Lines(cut_at=4), watch=error)
    before = (tmp_path / checkpoint.FILE).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(
            SettingsError, match=r"checkpoint.safetensors: cannot be written: .*free some space"
        ):
            taught(tmp_path, watch=error)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert (tmp_path / checkpoint.FILE).read_bytes() == before
    assert not (tmp_path / checkpoint.DRAFT).exists()
    assert same(taught(tmp_path, watch=error)[0], whole[0])


def test_a_folder_that_cannot_be_made_is_told_before_the_first_step(tmp_path):
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(SettingsError, match=r"taken/record.json: .*name another folder"):
        taught(tmp_path / "taken", Lines(cut_at=1))


def test_a_loss_that_is_no_number_names_the_step_the_largest_input_and_the_mend(tmp_path):
    with pytest.raises(
        InputError, match=r"step 8: the loss is inf; .* 1e\+38, in row 5 of 'x'.*learning rate"
    ):
        taught(tmp_path, Lines(spoilt_at=7))

    kept = checkpoint.recall(tmp_path, json.loads((tmp_path / record.FILE).read_text())["identity"])
    assert kept[1]["step"] == 6
    assert all(tensor.isfinite().all() for tensor in kept[0].values())


def test_a_gradient_that_is_no_number_is_found_before_it_reaches_a_weight(tmp_path):
    def rooted(model, batch):
        return loss(model, batch) + (0 * model.out.weight).sum().sqrt()

    with pytest.raises(InputError, match=r"step 1: the loss is [\d.]+, its gradient's norm nan"):
        fit(Network(), Lines(), rooted, SETTINGS, tmp_path)


def test_progress_is_at_most_a_line_a_second_and_the_last_step():
    now, lines = [0.0], []
    progress = Progress(lines.append, first=100, last=7300, clock=lambda: now[0])
    for step in range(101, 7301):
        now[0] += 0.25
        progress.took(step, 0.5)

    assert len(lines) == 7200 / 4
    assert lines[0] == "step 104/7300: loss 0.5000, 4 steps/s, 29 min 59 s left"
    assert lines[-1] == "step 7300/7300: loss 0.5000, 4 steps/s, 0 s left"


def test_progress_of_a_short_run_is_its_last_step(tmp_path):
    lines = []

    taught(tmp_path, say=lines.append)

    assert lines[-1].startswith("step 12/12: loss ")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"steps": 0}, "steps 0: must be at least 1"),
        ({"save_every": 0}, "save_every 0: must be at least 1"),
        ({"learning_rate": float("nan")}, "learning_rate nan: must be above 0"),
        ({"warm_up": 2.0}, "warm_up 2.0: must be 0 to 1"),
        ({"averaging": 1.0}, "averaging 1.0: must be 0 or more and below 1"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(change, told):
    with pytest.raises(SettingsError, match=told):
        replace(SETTINGS, **change)


def test_more_steps_than_batches_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="12 steps, but there are batches for 5"):
        taught(tmp_path, Lines(steps=5))


def test_a_network_with_nothing_to_learn_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="every weight of the network is frozen"):
        fit(Network().requires_grad_(requires_grad=False), Lines(), loss, SETTINGS, tmp_path)


def test_the_picture_shows_every_run_and_every_figure(whole):
    picture = curves_svg({"fold 1": whole[1], "fold 2": Curve()})

    assert picture.startswith("<svg")
    assert "Learning curves of fold 1, fold 2" in picture
    assert picture != curves_svg({"fold 1": Curve(), "fold 2": Curve()})


def _loaded(state):
    model = Network()
    model.load_state_dict(state)
    return model.eval()
