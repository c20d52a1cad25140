"""`barocast decode` writes the contract's lines and a summary, whole or not at all."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from shared_data import captures

from barocast.plugin import decode
from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.domain import Reason, Sample, WaveChunk
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "MSH|^~\\&|A||||20240102030405||ORU^R01|1|P|2.6\r"
MAP = f"{HEADER}OBX||NM|150039^^MDC||71|mmHg|||||F\r".encode()


def run(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser()
    decode.add_arguments(parser)
    return decode.run(parser.parse_args([str(argument) for argument in arguments]))


def decoded(tmp_path: Path, content: bytes, feed: str = "hl7") -> tuple[int, list[dict[str, Any]]]:
    source, out = tmp_path / "capture", tmp_path / "out.jsonl"
    source.write_bytes(content)
    status = run("--feed", feed, source, "--out", out)
    return status, [json.loads(line) for line in out.read_text().splitlines()]


def test_a_sample_is_one_line_with_the_keys_of_the_contract():
    assert decode.line(Sample("ABP_MEAN", "4A17", 1.5, 71.0, "mmHg")) == {
        "t": 1.5,
        "channel": "ABP_MEAN",
        "kind": "numeric",
        "value": 71.0,
        "unit": "mmHg",
        "valid": True,
        "reason": None,
        "code": "4A17",
    }


def test_a_wave_has_its_rate_and_a_list_with_null_for_gaps():
    chunk = WaveChunk(None, "4A14", None, 125.0, np.array([70.00000001, np.nan]), "mmHg", False, Reason.DEMO)  # noqa: FBT003 - the noun's own order

    assert decode.line(chunk) == {
        "t": None,
        "channel": None,
        "kind": "wave",
        "value": [70.0, None],
        "rate_hz": 125.0,
        "unit": "mmHg",
        "valid": False,
        "reason": "demo",
        "code": "4A14",
    }


def test_a_missing_value_is_null():
    line = decode.line(Sample("HR", "x", 0.0, float("nan"), "1/min", valid=False, reason=Reason.MISSING))

    assert (line["value"], line["reason"]) == (None, "missing")


@pytest.mark.parametrize("content", [MAP, wrap(MAP)])
def test_bare_and_wrapped_messages_give_their_samples_and_a_summary(tmp_path: Path, content: bytes):
    status, (sample, last) = decoded(tmp_path, content)

    assert (status, sample["channel"], sample["value"], sample["code"]) == (0, "ABP_MEAN", 71.0, "150039")
    assert last == {
        "summary": {
            "bytes": len(content),
            "frames": 1,
            "corrupt": 0,
            "samples": 1,
            "corrupt_by_reason": {},
            "corrupt_at": [],
        }
    }


def test_corrupt_stretches_are_counted_by_reason_and_the_first_hundred_are_placed(tmp_path: Path):
    _, lines = decoded(tmp_path, wrap(MAP) + b"\x0bhalf" * 150 + wrap(MAP))
    summary = lines[-1]["summary"]

    assert (summary["frames"], summary["corrupt"], summary["corrupt_by_reason"]) == (
        2,
        150,
        {"cut short": 150},
    )
    assert len(summary["corrupt_at"]) == decode.MAX_PLACES
    assert summary["corrupt_at"][0] == {"offset": len(wrap(MAP)) + 1, "length": 4, "reason": "cut short"}


def test_a_file_in_which_nothing_is_sound_exits_non_zero_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    status, lines = decoded(tmp_path, b"a letter")

    assert (status, [list(line) for line in lines]) == (1, [["summary"]])
    assert "no sound frame in 8 bytes; is it hl7?" in capsys.readouterr().err


def test_without_out_the_lines_go_to_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = tmp_path / "capture"
    source.write_bytes(MAP)
    run("--feed", "hl7", source)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert [next(iter(line)) for line in printed] == ["t", "summary"]


def test_a_failure_leaves_neither_half_a_file_nor_a_temporary_one(tmp_path: Path):
    out = tmp_path / "out.jsonl"
    out.write_text("earlier")
    with pytest.raises(InputError, match="No such file"):
        run("--feed", "hl7", tmp_path / "gone", "--out", out)

    assert (out.read_text(), [path.name for path in tmp_path.iterdir()]) == ("earlier", ["out.jsonl"])


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path):
    (tmp_path / "capture").write_bytes(MAP)
    with pytest.raises(InputError, match="cannot be written"):
        run("--feed", "hl7", tmp_path / "capture", "--out", tmp_path / "no" / "out.jsonl")

    assert not (tmp_path / "no").exists()


def test_a_real_vital_file_gives_its_wave_and_its_numerics(tmp_path: Path):
    status, lines = decoded(
        tmp_path, captures("vital/parsevital_test_data_demo.vital").read_bytes(), feed="vital"
    )
    abp = [value for line in lines[:-1] if line["channel"] == "ABP_WAVE" for value in line["value"]]
    summary = lines[-1]["summary"]

    assert (status, summary["samples"], summary["corrupt"]) == (0, 29047, 0)
    assert (len(abp), min(abp), max(abp)) == (4480, 70.0, 120.25)
    assert {line["value"] for line in lines[:-1] if line["channel"] == "ABP_MEAN"} == {91.0}
