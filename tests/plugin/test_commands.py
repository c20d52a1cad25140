"""The command line as its users meet it: files in, lines out, one clear line when something is wrong."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest
from toy_bundle import toy_bundle

from barocast.plugin import cli
from barocast.plugin.cli import main
from barocast.runtime.trust import write_keys


@pytest.fixture
def bundle_args(tmp_path):
    toy = toy_bundle(tmp_path / "bundle")
    write_keys(tmp_path / "keys.json", {"toy": toy.public_key})
    return ["--bundle", str(toy.directory), "--trust", str(tmp_path / "keys.json")]


@pytest.fixture
def case(tmp_path):
    """Twenty minutes on a 10 s grid, falling from 90 to 70 mmHg, with a hole."""
    rows = [
        f"{10 * i},{'' if 40 < i < 45 else 90 - i / 6:.2f}" if not 40 < i < 45 else f"{10 * i},"
        for i in range(121)
    ]
    path = tmp_path / "case.csv"
    path.write_text("t_s,ABP_MEAN\n" + "\n".join(rows) + "\n")
    return path


def one_line(capsys) -> str:
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1, captured.err
    assert "Traceback" not in captured.err
    return captured.err


def test_replay_writes_the_documented_line_for_every_decision(case, bundle_args, tmp_path, capsys):
    out = tmp_path / "out.jsonl"
    assert main(["replay", str(case), "--out", str(out), *bundle_args]) == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    last = lines[-1]

    assert [line["t_s"] for line in lines] == [30.0 * k for k in range(41)]
    assert [line["state"] for line in lines] == ["abstain"] * 30 + ["forecast"] * 11
    assert lines[0].keys().isdisjoint({"risk", "map"})
    assert set(last) == {"t_s", "state", "reason", "risk", "map", "gates", "alarm", "bundle", "map_10s"}
    assert set(last["risk"]) == {"5", "10", "15"}
    assert set(last["map"]) == {"minutes", "q10", "q50", "q90"}
    assert (last["reason"], last["bundle"]) == (None, "toy-1")
    assert "times real time" in capsys.readouterr().err


def test_replay_prints_to_standard_output_without_out(case, bundle_args, capsys):
    assert main(["replay", str(case), "--every", "60", *bundle_args]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 21


def test_a_falling_pressure_is_alarmed_once_two_decisions_agree(case, bundle_args, tmp_path):
    main(["replay", str(case), "--out", str(tmp_path / "o"), *bundle_args])
    lines = [json.loads(line) for line in (tmp_path / "o").read_text().splitlines()]
    exceeding = [line["t_s"] for line in lines if line["state"] == "forecast" and line["risk"]["10"] >= 0.5]
    alarmed = [line["t_s"] for line in lines if line["alarm"] == "advisory"]

    assert alarmed == exceeding[1:]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "empty"),
        ("t_s,ABP_MEAN\n0,80\n10,eighty\n", "line 3"),
        ("t_s,ABP_MEEN\n0,80\n", "ABP_MEAN"),
        ("t_s,ABP_MEAN\n10,80\n0,80\n", "line 3"),
        ("t_s,HR\n0,80\n", "ABP_MEAN"),
    ],
)
def test_a_bad_csv_is_one_line_and_exit_status_2(tmp_path, bundle_args, capsys, content, complaint):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    out = tmp_path / "out.jsonl"

    assert main(["replay", str(path), "--out", str(out), *bundle_args]) == 2
    line = one_line(capsys)
    assert "bad.csv" in line
    assert complaint in line
    assert not out.exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_missing_file_is_one_line_and_exit_status_2(tmp_path, bundle_args, capsys):
    assert main(["replay", str(tmp_path / "none.csv"), *bundle_args]) == 2
    assert "none.csv" in one_line(capsys)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_one_line(case, bundle_args, capsys):
    case.chmod(0)

    assert main(["replay", str(case), *bundle_args]) == 2
    assert "allow this user to read it" in one_line(capsys)


@pytest.mark.parametrize("patient", ['{"age_years": 200}', '{"agee": 20}', "no json", "[]"])
def test_an_impossible_patient_is_refused(case, tmp_path, bundle_args, capsys, patient):
    path = tmp_path / "patient.json"
    path.write_text(patient)

    assert main(["replay", str(case), "--patient", str(path), *bundle_args]) == 2
    assert "patient.json" in one_line(capsys)


@pytest.mark.req("SEC-01")
def test_a_flipped_bit_in_the_bundle_is_refused(case, tmp_path, bundle_args, capsys):
    model = tmp_path / "bundle" / "model.onnx"
    content = bytearray(model.read_bytes())
    content[100] ^= 4
    model.write_bytes(content)

    assert main(["replay", str(case), *bundle_args]) == 2
    assert "model.onnx: its SHA-256 is not the signed one" in one_line(capsys)


def test_bundle_inspect_and_verify_say_what_it_is(tmp_path, bundle_args, capsys):
    directory, trust = bundle_args[1], bundle_args[2:]
    assert main(["bundle", "inspect", directory, *trust]) == 0
    assert "MAP < 65 mmHg for 60 s or longer" in capsys.readouterr().out

    assert main(["bundle", "verify", directory, *trust]) == 0
    assert "toy-1: signed, whole, and 20 known answers right" in capsys.readouterr().out


def test_bundle_sign_needs_a_key(bundle_args, capsys):
    assert main(["bundle", "sign", bundle_args[1]]) == 2
    assert "--key" in one_line(capsys)


@pytest.mark.req("ALM-07")
def test_doctor_discloses_its_delays(bundle_args, capsys):
    status = main(["doctor", *bundle_args])
    said = capsys.readouterr().out

    assert status == 0
    for words in ("toy-1: signed", "alarm condition delay", "serial:", "onnxruntime"):
        assert words in said


def test_doctor_says_when_the_bundle_is_bad(tmp_path, capsys):
    assert main(["doctor", "--bundle", str(tmp_path / "none")]) == 1
    assert "BAD bundle" in capsys.readouterr().out


@pytest.mark.req("RUN-08")
def test_run_check_reads_everything_and_stops(tmp_path, bundle_args, capsys):
    config = tmp_path / "or3.toml"
    config.write_text(
        '[feed]\nkind = "hl7"\naddress = "tcp-listen://127.0.0.1:0"\n'
        f'[model]\nbundle = "{bundle_args[1]}"\ntrust = "{bundle_args[3]}"\n'
        f'[sinks]\nsound_device = "wav:{tmp_path}"\nlog = "{tmp_path / "log.jsonl"}"\n'
    )

    assert main(["run", "--config", str(config), "--check"]) == 0
    assert "good; bundle toy-1" in capsys.readouterr().out


@pytest.mark.req("INF-05")
def test_an_engine_that_cannot_be_had_is_told_by_run_and_by_replay_and_the_cpus_is_used(
    case, tmp_path, bundle_args, capsys
):
    config = tmp_path / "or3.toml"
    config.write_text(
        '[feed]\nkind = "hl7"\naddress = "tcp-listen://127.0.0.1:0"\n'
        f'[model]\nbundle = "{bundle_args[1]}"\ntrust = "{bundle_args[3]}"\n'
    )
    told = []
    for arguments in (["run", "--config", str(config), "--check"], ["replay", str(case), *bundle_args]):
        assert main([*arguments, "--engine", "cuda"]) == 0
        said = capsys.readouterr()
        told.append([line for line in (said.out + said.err).splitlines() if "no cuda: onnxruntime" in line])

    assert [len(lines) for lines in told] == [1, 1]
    assert all("CPUExecutionProvider" in line for lines in told for line in lines)


def test_a_kind_of_engine_that_there_is_not_is_refused_with_the_nearest(case, bundle_args, capsys):
    assert main(["replay", str(case), *bundle_args, "--engine", "cud"]) == 2
    assert "--engine: 'cud' is not one of cpu, cuda, tensorrt; the nearest is 'cuda'" in one_line(capsys)


@pytest.mark.req("RUN-08")
def test_run_refuses_a_configuration_it_cannot_mean(tmp_path, capsys):
    (tmp_path / "or3.toml").write_text("[feeed]\n")

    assert main(["run", "--config", str(tmp_path / "or3.toml")]) == 2
    assert "the nearest is 'feed'" in one_line(capsys)


def test_help_and_version_say_that_it_is_no_medical_device(capsys):
    for arguments in (["--help"], ["--version"], ["replay", "--help"]):
        with pytest.raises(SystemExit, match="0"):
            main(arguments)
        assert "not a medical" in capsys.readouterr().out


def test_a_file_that_fails_is_named_and_standard_output_is_not_blamed(monkeypatch, tmp_path, capsys):
    module = SimpleNamespace(
        HELP="", add_arguments=lambda _: None, run=lambda _: (tmp_path / "gone").read_text() and 0
    )
    monkeypatch.setattr(cli, "_commands", lambda: {"x": SimpleNamespace(name="x", load=lambda: module)})

    assert main(["x"]) == 2
    assert one_line(capsys) == f"barocast: {tmp_path / 'gone'}: No such file or directory; check this path\n"
