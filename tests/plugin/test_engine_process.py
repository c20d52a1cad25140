"""An engine in its own process: the same answers, a deadline, and back again after every death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from toy_bundle import toy_bundle

from barocast.plugin.service import engine_wire
from barocast.plugin.service.engine_process import EngineProcess, _Child, engine_command
from barocast.runtime.bundle import default_bundle
from barocast.runtime.domain import Fault, Forecast, ModelInput
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import BundleError
from barocast.runtime.trust import write_keys


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine")
    made = toy_bundle(folder / "toy")
    write_keys(folder / "trust.json", {"toy": made.public_key})
    return made, folder / "trust.json"


@pytest.fixture
def engine(toy):
    made, trust = toy
    process = EngineProcess(made.read(), engine_command(made.directory, trust))
    yield process
    process.close()


def window(mmhg=70.0):
    return ModelInput(
        series=np.full((1, 1, 90), mmhg, np.float32),
        mask=np.ones((1, 1, 90), np.float32),
        trend=np.full((1, 7, 6), mmhg, np.float32),
        text=np.zeros((1, 128), np.int64),
    )


def child_of(process):
    return process._child._process


def back(process, within_s=5.0):
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if process.prove():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.req("INF-01", "INF-07")
def test_it_answers_what_the_engine_in_the_same_process_answers(toy, engine):
    here = OrtEngine(toy[0].read()).run(window(), 12.5)
    there = engine.run(window(), 12.5)

    for name in ("logits", "minutes", "q10", "q50", "q90"):
        assert np.array_equal(getattr(here, name), getattr(there, name))
    assert there.gates == here.gates
    assert engine.name.startswith("onnxruntime")


@pytest.mark.req("INF-07")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_process_that_dies_costs_a_fault_and_is_back_within_five_seconds(engine, number):
    os.kill(child_of(engine).pid, number)
    answer = engine.run(window(), 60.0)

    assert isinstance(answer, Fault)
    assert answer.t_s == 60.0
    assert f"signal {int(number)}" in answer.reason or "has gone" in answer.reason
    assert "starting again" in engine.trouble or engine.trouble == ""
    assert back(engine)
    assert engine.trouble == ""


@pytest.mark.req("INF-07", "P2")
def test_one_that_does_not_answer_is_killed_at_its_deadline(toy):
    made, trust = toy
    process = EngineProcess(made.read(), engine_command(made.directory, trust), deadline_s=0.2)
    wedged = child_of(process)
    os.kill(wedged.pid, signal.SIGSTOP)
    answer = process.run(window(), 0.0)

    assert answer == Fault(0.0, "engine: no answer in time")
    assert wedged.wait(2.0) == -signal.SIGKILL
    assert back(process)
    process.close()


@pytest.mark.req("INF-06")
def test_three_faults_in_a_row_unload_the_model(engine):
    sick = window(float("nan"))
    first = child_of(engine)
    answers = [engine.run(sick, 0.0) for _ in range(3)]

    assert all(isinstance(answer, Fault) for answer in answers)
    assert first.wait(2.0) == -signal.SIGKILL
    assert back(engine)
    assert isinstance(engine.run(window(), 0.0), Forecast)


def test_a_good_answer_between_faults_keeps_the_process(engine):
    first = child_of(engine)
    for mmhg in (float("nan"), float("nan"), 70.0, float("nan"), float("nan")):
        engine.run(window(mmhg), 0.0)

    assert child_of(engine) is first


def test_a_bundle_that_was_changed_behind_its_back_is_not_loaded(toy):
    made, trust = toy
    read = made.read()
    changed = replace(read, model=b"another")

    with pytest.raises(BundleError, match="no longer the one that was verified"):
        EngineProcess(changed, engine_command(made.directory, trust))


def test_the_prefix_too_is_the_one_that_was_verified(tmp_path):
    made = toy_bundle(tmp_path / "toy", prefix=True)
    write_keys(tmp_path / "trust.json", {"toy": made.public_key})
    command = engine_command(made.directory, tmp_path / "trust.json")
    process = EngineProcess(made.read(), command)
    answered = process.prove()
    process.close()

    assert answered
    with pytest.raises(BundleError, match="no longer the one that was verified"):
        EngineProcess(replace(made.read(), prefix=b"another"), command)


# --- an engine that cannot be had gives way to the CPU's ----------------------------------------


def commands(toy, kind):
    """What is wanted, and its spare."""
    made, trust = toy
    return engine_command(made.directory, trust, kind=kind), engine_command(made.directory, trust)


@pytest.mark.req("INF-05")
def test_an_engine_that_this_machine_cannot_run_is_the_cpu_and_why_in_its_name(toy):
    wanted, spare = commands(toy, "cuda")
    process = EngineProcess(toy[0].read(), wanted, spare=spare)
    answered = process.prove()
    process.close()

    assert answered
    assert process.reason.startswith("no cuda: onnxruntime")
    assert process.name.endswith(f"CPUExecutionProvider ({process.reason})")


@pytest.mark.req("INF-05", "INF-07")
def test_one_whose_process_dies_at_its_start_gives_way_to_the_spare(toy):
    crashes = [sys.executable, "-S", "-c", "import os; os.kill(os.getpid(), 11)"]
    process = EngineProcess(toy[0].read(), crashes, spare=commands(toy, "cuda")[1])
    answered = process.prove()
    process.close()

    assert answered
    assert process.reason == "the engine that was wanted failed: its process ended (signal 11)"


@pytest.mark.req("INF-05", "INF-07")
def test_one_that_is_lost_later_gives_way_for_good(toy):
    made, trust = toy
    process = EngineProcess(
        made.read(), engine_command(made.directory, trust, threads=2), spare=commands(toy, "cuda")[1]
    )
    before = process.reason
    os.kill(child_of(process).pid, signal.SIGKILL)
    lost = process.run(window(), 0.0)
    assert back(process)
    command = child_of(process).args
    process.close()

    assert (before, isinstance(lost, Fault)) == ("", True)
    assert process.reason.startswith("the engine that was wanted failed: its process")
    assert command == commands(toy, "cuda")[1]


def test_what_the_engine_says_against_a_bundle_is_passed_on(toy):
    made, _ = toy
    with pytest.raises(BundleError, match="no trusted key signed"):
        EngineProcess(made.read(), engine_command(made.directory))


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import time; time.sleep(60)", None),
        ("", "ended"),
        ("import sys; sys.stdout.write('nonsense' * 9); sys.stdout.flush(); sys.stdin.read()", "a frame of"),
    ],
    ids=["says nothing", "ends at once", "says nonsense"],
)
def test_a_process_that_is_no_engine_is_refused(toy, monkeypatch, program, said):
    monkeypatch.setattr("barocast.plugin.service.engine_process.START_S", 0.3)
    with pytest.raises(BundleError, match=said or "no answer in time"):
        EngineProcess(toy[0].read(), [sys.executable, "-S", "-c", program])


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(engine_wire.EngineLostError, match="No such file"):
        _Child(["/nowhere/at/all"])


def test_frames_of_another_length_are_refused(toy):
    manifest = toy[0].read().manifest
    ask = engine_wire.pack_ask(window(), 1.0)[engine_wire.LENGTH.size + 1 :]
    answer = OrtEngine(toy[0].read()).run(window(), 1.0)
    told = engine_wire.pack_answer(answer)[engine_wire.LENGTH.size + 1 :]
    ready = engine_wire.Ready(bytes(32), "engine", "no cuda: (none)\nhere")
    kind, said = (packed := engine_wire.pack_ready(ready)[engine_wire.LENGTH.size :])[:1], packed[1:]

    assert engine_wire.unpack_ready(kind, said) == ready

    assert engine_wire.unpack_ask(ask, manifest).t_s == 1.0
    for off in (told[:-8], told + bytes(8)):
        with pytest.raises(engine_wire.EngineLostError):
            engine_wire.unpack_answer(b"F", off, manifest, 1.0)
    with pytest.raises(engine_wire.EngineLostError, match="kind"):
        engine_wire.unpack_answer(b"?", told, manifest, 1.0)


def test_it_imports_nothing_from_where_it_was_started(tmp_path):
    (tmp_path / "numpy.py").write_text("raise SystemExit('planted')")
    done = subprocess.run(
        engine_command(default_bundle()), cwd=tmp_path, input=b"", capture_output=True, check=False
    )

    assert (done.returncode, b"planted" in done.stderr) == (0, False)


def test_where_nothing_compiled_counts_it_counts_for_the_engine_too(monkeypatch):
    monkeypatch.setattr(sys, "pycache_prefix", "/dev/null")
    command = engine_command(default_bundle())
    python = command[: command.index("-m")]
    code = "import sys; print(sys.pycache_prefix, sys.flags.isolated)"
    done = subprocess.run([*python, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "/dev/null 1\n"
