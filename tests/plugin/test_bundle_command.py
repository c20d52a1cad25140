"""`barocast bundle inspect` says what is beside the graph in a line each, tables by their extent."""

from __future__ import annotations

import pytest
from toy_bundle import toy_bundle

from barocast.calibration.calibrators import Calibrators
from barocast.calibration.conformal import ConformalBand
from barocast.calibration.parametric import TemperatureBias
from barocast.calibration.stepwise import Isotonic, Knots
from barocast.plugin.cli import main
from barocast.runtime.trust import write_keys


@pytest.fixture
def inspect(tmp_path, capsys):
    """Give what is printed of a toy bundle with these fields of the manifest, name -> lines."""

    def said(**fields):
        toy = toy_bundle(tmp_path / "bundle", **fields)
        write_keys(tmp_path / "keys.json", {"toy": toy.public_key})
        assert main(["bundle", "inspect", str(toy.directory), "--trust", str(tmp_path / "keys.json")]) == 0
        lines = capsys.readouterr().out.splitlines()
        return {
            name: [line[14:] for line in lines if line.startswith(name)]
            for name in ("calibrator", "MAP band")
        }

    return said


def test_a_calibrator_of_two_numbers_is_its_formula(inspect):
    assert inspect(calibrator=TemperatureBias(1.01, -0.04).to_dict()) == {
        "calibrator": ["all rows: p = sigmoid(1.010 x logit -0.040)"],
        "MAP band": ["the graph's own quantiles"],
    }


def test_tables_are_told_by_their_extent(inspect):
    long = Knots(tuple(-5 + i / 50 for i in range(500)), tuple(i / 1000 for i in range(500)))

    (line,) = inspect(calibrator=Isotonic((long,) * 3).to_dict())["calibrator"]

    assert (
        line
        == "all rows: isotonic tables: 500, 500, 500 knots over logits -5.00 to 4.98, risks 0.000 to 0.499"
    )


def test_patterns_and_the_band_have_lines_of_their_own(inspect):
    plain = Calibrators(TemperatureBias(), {"series": TemperatureBias(0.5, 0.25)})

    said = inspect(calibrator=plain.to_dict(), band=ConformalBand((*[-0.5] * 10, *[2.0] * 20)).to_dict())

    assert said == {
        "calibrator": [
            "rows of any other pattern: p = sigmoid(1.000 x logit +0.000)",
            "series: p = sigmoid(0.500 x logit +0.250)",
        ],
        "MAP band": ["conformal, widened by -0.5 to +2.0 mmHg a side over 30 steps"],
    }
