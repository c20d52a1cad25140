"""`barocast run` as a process under a manager: killed, wedged, given a bad bundle, told to stop."""

from __future__ import annotations

import socket
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace

import pytest
from toy_bundle import manifest

from barocast.plugin.audit.reading import opened, rows, said
from barocast.plugin.audit.row import canonical
from barocast.plugin.audit.seal import public_key
from barocast.plugin.audit.verify import verify
from barocast.plugin.service.releases import Releases
from barocast.runtime.bundle import write_manifest
from benchmarks.kills_gateway import Gateway
from benchmarks.kills_rig import Box, Manager, eventually, gone

BED = "or-1"
FORECAST = "forecast hypotension"
LONG_S = 40.0
"""A machine may be busy; a promise about time is measured in benchmarks/."""


@pytest.fixture
def folder(tmp_path_factory):
    """A folder whose name leaves room for a socket's."""
    return tmp_path_factory.mktemp("box")


@pytest.fixture
def started():
    """Give what starts the service of a box, with its monitor; all ends with the test."""
    with ExitStack() as stack:

        def start(box, restart_s=0.0):
            stack.enter_context(Gateway(box.ports[BED], speed=20.0))
            return stack.enter_context(Manager(box, restart_s))

        yield start


def conditions(box):
    """Give name -> text of what the page shows."""
    state = box.shown(BED)
    return {c["name"]: c["text"] for c in state["alarm"]["conditions"]} if state else {}


def numeric(box):
    """Give the mean pressure that the page shows; None while it shows none."""
    state = box.shown(BED)
    return state["numerics"].get("ABP_MEAN", {}).get("value") if state else None


def written(box):
    """Give (kind, wall, body) of every row of the log."""
    with opened(box.log(BED)) as db:
        return Counter((s["kind"], s["wall"], canonical(s["body"])) for s in map(said, rows(db)))


@pytest.mark.req("P10", "P12", "ALM-09", "ALM-11", "RUN-01")
def test_a_killed_service_alarms_at_once_when_it_is_back_and_has_lost_no_acknowledged_row(folder, started):
    box = Box(folder, {BED: "hl7"})
    manager = started(box)
    eventually(lambda: FORECAST in conditions(box), LONG_S, "an alarm")
    case, told, firsts = box.shown(BED)["case"]["id"], box.told(), []
    for _ in range(2):
        assert box.act(BED, "describe", patient={"age_years": 67})
        killed = manager.kill()
        manager.ready(after=killed)
        firsts.append(
            eventually(lambda: [x for x in fresh(box, told) if "told" in x], LONG_S, "a snapshot")[0]
        )
        assert killed.process.returncode < 0
    acknowledged = Counter(tuple(line["acknowledged"]) for line in told if "acknowledged" in line)
    lives = manager.lives

    assert [[name for name, *_ in first["told"]] for first in firsts] == [[FORECAST]] * 2
    assert acknowledged.total() >= len(lives) + 2
    assert acknowledged - written(box) == Counter()
    assert verify(box.log(BED), public_key(box.log(BED))).finding is None
    assert eventually(lambda: box.shown(BED), LONG_S, "a page")["case"]["id"] == case
    assert eventually(lambda: all(map(gone, lives[:-1])), LONG_S, "the end of the engines")


def fresh(box, told):
    """Give what was told since the last look, and keep it with the rest."""
    new = box.told()
    told += new
    return new


@pytest.mark.req("RUN-02")
def test_a_loop_that_hangs_costs_the_process_and_it_is_ready_again(folder, started):
    box = Box(folder, {BED: "breakable"})
    manager = started(box)
    wedged = manager.ready()
    box.order.write_text("hang", "ascii")
    again = manager.ready(LONG_S, after=wedged)

    assert wedged.process.returncode in {-9, 70}  # the manager's, which it asked for, or its own
    assert again.process.poll() is None
    assert "stands still: or-1 a" in (folder / "stderr.log").read_text()


def flip(box):
    model = box.toy.directory / "model.onnx"
    spoilt = bytearray(model.read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    model.write_bytes(spoilt)


def truncate(box):
    model = box.toy.directory / "model.onnx"
    model.write_bytes(model.read_bytes()[:-100])


def link(box):
    model = box.toy.directory / "model.onnx"
    model.rename(box.folder / "elsewhere.onnx")
    model.symlink_to(box.folder / "elsewhere.onnx")


@pytest.mark.req("P9", "SEC-02")
@pytest.mark.parametrize(
    ("damage", "reason"),
    [(flip, "SHA-256"), (truncate, "SHA-256"), (link, "link")],
    ids=["bit", "cut", "link"],
)
def test_a_service_with_a_bad_bundle_says_why_and_shows_the_numbers(folder, started, damage, reason):
    box = Box(folder, {BED: "hl7"})
    damage(box)
    started(box)
    fault = eventually(lambda: conditions(box).get("engine fault"), LONG_S, "a technical alarm")

    assert "model.onnx" in fault
    assert reason in fault
    assert 60 < eventually(lambda: numeric(box), LONG_S, "a number") < 75


@pytest.mark.req("P9", "SEC-02")
def test_an_older_bundle_is_refused_and_forecasts_are_back_with_a_newer_one(folder, started):
    box = Box(folder, {BED: "hl7"})
    ran = box.toy.read()
    Releases(box.storage).remember(replace(ran, manifest=replace(ran.manifest, sequence=9)))
    manager = started(box)
    fault = eventually(lambda: conditions(box).get("engine fault"), LONG_S, "a technical alarm")
    write_manifest(box.toy.directory, manifest(sequence=10))
    box.toy.resign()
    manager.kill()

    assert "release 1 is older than 9, which ran here" in fault
    assert eventually(lambda: FORECAST in conditions(box), LONG_S, "a forecast")
    assert "engine fault" not in conditions(box)


@pytest.mark.req("RUN-01")
def test_told_to_stop_it_frees_its_ports_and_says_so_in_the_log_whatever_a_bad_bed_does(folder, started):
    box = Box(folder, {BED: "hl7"})
    (box.config / "or-2.toml").write_text("[feed]\nkind = 'hl7'\n", "ascii")
    manager = started(box)
    manager.ready()
    eventually(lambda: numeric(box), LONG_S, "a number")
    began_s = time.monotonic()
    status = manager.stop()
    took_s = time.monotonic() - began_s
    for port in (box.page, box.ports[BED]):
        socket.create_server(("127.0.0.1", port)).close()
    with opened(box.log(BED)) as db:
        last = said(list(rows(db))[-1])

    assert (status, last["kind"]) == (0, "stop")
    assert took_s < 5.0
    assert gone(manager.lives[0])
    assert "or-2.toml: [feed]" in (folder / "stderr.log").read_text()
    assert verify(box.log(BED), public_key(box.log(BED))).finding is None
