"""The verdict of the live report, as the bedside tells it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from toy_bundle import toy_bundle

from barocast.plugin.cli import main
from barocast.plugin.clock import utc_now
from barocast.plugin.forecast_quality import EVERY_S, TRUSTED_FOR, QualityWatch
from barocast.runtime.trust import write_keys

JUDGED = datetime(2026, 11, 21, tzinfo=timezone.utc)
DEGRADED = {
    "status": "degraded",
    "since": "2026-11-20",
    "judged_at": JUDGED.isoformat(),
    "bundle": "b",
    "reasons": ["slope: 0.5", "ppv: 0.1"],
}
WORDS = "degraded since 2026-11-20: slope: 0.5; ppv: 0.1"


class Hands:
    """A clock that a test moves."""

    now_s = 0.0

    def __call__(self):
        return self.now_s


def file_of(folder, **changes):
    path = folder / "status.json"
    path.write_text(json.dumps(DEGRADED | changes))
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [({}, WORDS), ({"status": "ok"}, ""), ({"status": "too few"}, ""), ({"bundle": "another"}, "")],
)
def test_only_the_own_bundles_degradation_is_a_trouble(tmp_path, changes, said):
    assert QualityWatch(file_of(tmp_path, **changes), "b", Hands(), lambda: JUDGED).trouble() == said


@pytest.mark.parametrize("status", ["ok", "too few"])
def test_an_old_verdict_says_nothing_of_today(tmp_path, status):
    path, last = file_of(tmp_path, status=status), JUDGED + TRUSTED_FOR
    at_last, later = (
        QualityWatch(path, "b", Hands(), lambda now=now: now).trouble()
        for now in (last, last + timedelta(seconds=1))
    )

    assert at_last == ""
    assert later.startswith("not judged since 2026-11-21; ")
    assert QualityWatch(path, "another", Hands(), lambda: last + TRUSTED_FOR).trouble() == ""


def test_the_file_is_read_anew_every_minute(tmp_path):
    clock = Hands()
    watch = QualityWatch(file_of(tmp_path, status="ok"), "b", clock, lambda: JUDGED)
    before = watch.trouble()
    file_of(tmp_path)
    at_once = watch.trouble()
    clock.now_s += EVERY_S

    assert (before, at_once, watch.trouble()) == ("", "", WORDS)


@pytest.mark.parametrize(
    "text", [None, "", "[]", '{"status": "ok"}', json.dumps(DEGRADED | {"judged_at": "x"})]
)
def test_a_file_that_tells_nothing_is_a_trouble_with_its_mend(tmp_path, text):
    path = tmp_path / "status.json"
    if text is not None:
        path.write_text(text)

    assert QualityWatch(path, "b", Hands()).trouble().startswith(f"{path}: no status (")
    assert "--from-log" in QualityWatch(path, "b", Hands()).trouble()


@pytest.mark.parametrize(
    ("changes", "said", "exit_status"),
    [
        ({}, "BAD quality  forecasts of b: degraded since 2026-11-20", 1),
        ({"status": "ok"}, "BAD quality  forecasts of b: not judged since 2001-01-01", 1),
        (
            {"status": "ok", "judged_at": utc_now().isoformat()},
            "ok  quality  forecasts of b: ok since 2026-11-20",
            0,
        ),
    ],
)
def test_doctor_tells_the_status_that_a_configuration_names(tmp_path, capsys, changes, said, exit_status):
    toy = toy_bundle(tmp_path / "toy")
    write_keys(tmp_path / "keys.json", {"toy": toy.public_key})
    config = tmp_path / "or3.toml"
    config.write_text(
        '[feed]\nkind = "hl7"\naddress = "tcp-listen://127.0.0.1:0"\n'
        f'[model]\nstatus = "{file_of(tmp_path, **{"judged_at": "2001-01-01T12:00:00+00:00"} | changes)}"\n'
    )
    trusted = ["--bundle", str(toy.directory), "--trust", str(tmp_path / "keys.json")]

    assert main(["doctor", "--config", str(config), *trusted]) == exit_status
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("kept", ["drop", "age-sex-size"])
def test_doctor_says_what_is_read_of_the_patient(tmp_path, capsys, kept):
    (tmp_path / "or3.toml").write_text(
        f'[feed]\nkind = "hl7"\naddress = "tcp-listen://127.0.0.1:0"\ndemographics = "{kept}"\n'
    )
    main(["doctor", "--config", str(tmp_path / "or3.toml")])

    assert ("age in years, sex, height and weight are read" in capsys.readouterr().out) == (kept != "drop")


def test_doctor_says_what_is_wrong_with_a_configuration(tmp_path, capsys):
    (tmp_path / "or3.toml").write_text("[fed]\n")

    assert main(["doctor", "--config", str(tmp_path / "or3.toml")]) == 1
    assert "BAD config" in capsys.readouterr().out
