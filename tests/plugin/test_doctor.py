"""`barocast doctor --config`: each bed, the storage with its logs, the page, and the service that runs."""

from __future__ import annotations

import json
import os
import pty
import socket
from contextlib import contextmanager

import pytest
from audited import damaged_by, write_rows
from toy_bundle import toy_bundle

from barocast.plugin.audit.reserve import NAME as RESERVE
from barocast.plugin.cli import main
from barocast.plugin.doctor import command, running
from barocast.plugin.doctor.beds import holders
from barocast.plugin.doctor.shared import RENEW_S
from barocast.plugin.health.histogram import Histogram
from barocast.plugin.health.metrics import Health
from barocast.plugin.service.releases import Releases
from barocast.plugin.settings import StorageSettings
from barocast.runtime.trust import write_keys

LOST = 'bed="bed",condition="feed lost",priority="low",transition="raised"'


class Box:
    """A configuration folder with one bed, and what doctor says of it."""

    def __init__(self, root, capsys):
        toy = toy_bundle(root / "toy")
        write_keys(root / "keys.json", {"toy": toy.public_key})
        self.root, self.capsys, self.bundle = root, capsys, toy.read()
        self.store = root / "store"
        self.model = f'[model]\nbundle = "{toy.directory}"\ntrust = "{root / "keys.json"}"\n'
        (root / "etc").mkdir()
        self.bed('address = "tcp-listen://127.0.0.1:0"')
        self.box()

    def bed(self, address, more=""):
        (self.root / "etc" / "or3.toml").write_text(f'[feed]\nkind = "hl7"\n{address}\n{more}')

    def box(self, more=""):
        (self.root / "etc" / "box.toml").write_text(self.model + more)

    def says(self, *more):
        """Exit status, and the findings as (topic, ok, text)."""
        health = ["--health", str(self.root / "health.prom")]
        status = main(["doctor", "--json", "--config", str(self.root / "etc"), *health, *more])
        lines = [json.loads(line) for line in self.capsys.readouterr().out.splitlines()]
        return status, [(line["topic"], line["ok"], line["text"]) for line in lines]

    def topic(self, topic, *more):
        """Status, and the findings of one topic as (ok, text)."""
        status, found = self.says(*more)
        return status, [(ok, text) for name, ok, text in found if name == topic]


@pytest.fixture
def box(tmp_path, capsys):
    return Box(tmp_path, capsys)


def test_a_good_configuration_is_said_to_be_good(box):
    status, found = box.says()
    texts = {topic: text for topic, _, text in found}

    assert (status, all(ok for _, ok, _ in found)) == (0, True)
    assert texts["port"] == "tcp-listen://127.0.0.1:0: can be opened"
    assert texts["sinks"].startswith("NO SOUND")
    assert texts["storage"].startswith("nothing is kept")
    assert next(text for topic, _, text in found if topic == "bundle").startswith("toy-1: signed, whole")


def test_every_bed_of_a_folder_is_told_and_a_bad_one_with_its_mend(box):
    (box.root / "etc" / "or4.toml").write_text("[fed]\n")
    status, said = box.topic("config")

    assert status == 1
    assert [ok for ok, _ in said] == [True, False]
    assert "or4.toml: [fed]: unknown; the nearest is 'feed'" in said[1][1]


def test_a_port_that_is_taken_or_not_there_is_bad_with_its_mend(box):
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        box.bed(f'address = "tcp-listen://127.0.0.1:{stranger.getsockname()[1]}"')
        taken = box.topic("port")
    (box.root / "etc" / "or3.toml").write_text(
        '[feed]\nkind = "bis"\naddress = "serial:///dev/no-such-port"\n'
    )
    gone = box.topic("port")

    assert (taken[0], taken[1][0][0]) == (1, False)
    assert gone[1][0][1].endswith("plug the adapter in, or take its name from `barocast discover`")


@pytest.mark.req("ACQ-07")
def test_whoever_has_a_serial_port_is_named(box):
    ours, theirs = pty.openpty()
    try:
        name = os.ttyname(theirs)
        assert any(f"(process {os.getpid()})" in holder for holder in holders(name))
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_sink_that_does_not_work_is_bad(box):
    (box.root / "file").touch()
    box.bed('address = "tcp-listen://127.0.0.1:0"', f'[sinks]\nsound_device = "wav:{box.root / "file"}"\n')

    assert box.topic("sinks") == (1, [(False, f"sound: {box.root / 'file'}: File exists")])


@pytest.mark.req("SEC-04")
def test_the_logs_are_verified_and_a_broken_one_is_said(box):
    box.box(f'[storage]\nfolder = "{box.store}"\n')
    box.store.mkdir()
    (box.store / RESERVE).touch()
    write_rows(box.store / "audit" / "or-3", 5)
    sound = box.topic("audit")
    damaged_by(box.store / "audit" / "or-3", "UPDATE rows SET record = '{}' WHERE sequence = 3")
    broken = box.topic("audit")

    assert (sound[0], sound[1][0][0]) == (0, True)
    assert "sound, rows 1 to 6, head" in sound[1][0][1]
    assert broken[0] == 1
    assert "BROKEN at row 3: edited" in broken[1][0][1]


def test_a_disk_with_nothing_held_back_or_over_its_quota_is_bad(box):
    box.box(f'[storage]\nfolder = "{box.store}"\nquota_mb = 64\n')
    (box.store / "cases").mkdir(parents=True)
    unheld = box.topic("storage")
    (box.store / RESERVE).touch()
    with (box.store / "cases" / "big").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 70_000_000)
    over = box.topic("storage")

    assert (unheld[0], "nothing is held back for the log" in unheld[1][1][1]) == (1, True)
    assert (over[0], over[1][1][1].startswith("70 of 64 MB used")) == (1, True)


def test_an_older_release_than_one_that_ran_is_bad_unless_it_is_allowed(box):
    storage = f'[storage]\nfolder = "{box.store}"\n'
    box.store.mkdir()
    (box.store / "releases.json").write_text(json.dumps({box.bundle.signer.hex(): 9}))
    box.box(storage)
    refused = box.topic("bundle")
    box.model += "allow_older = true\n"
    box.box(storage)

    assert refused[0] == 1
    assert "release 1 is older than 9" in refused[1][1][1]
    assert box.topic("bundle")[0] == 0
    assert Releases(box.store)._read() == {box.bundle.signer.hex(): 9}


@pytest.mark.req("INF-05")
def test_an_engine_that_cannot_be_had_is_bad_and_the_one_that_runs_is_said(box):
    box.box('[engine]\nkind = "cuda"\n')
    status, engine = box.topic("engine")

    assert (status, [ok for ok, _ in engine]) == (1, [True, False])
    assert engine[1][1].startswith("no cuda: onnxruntime")
    assert "known answers right on onnxruntime" in box.topic("bundle")[1][0][1]


def test_a_page_that_would_be_open_or_whose_certificate_ends_is_bad(box, hospital):
    box.box('[screen]\naddress = "0.0.0.0:8520"\n')
    opened = box.topic("screen")
    soon = hospital.issue("page", days=(-1, RENEW_S / 86400 / 2))
    box.box(f'[screen]\naddress = "127.0.0.1:0"\ncertificate = "{soon.certificate}"\nkey = "{soon.key}"\n')
    ends = box.topic("screen")

    assert (opened[0], "needs a token and a certificate" in opened[1][0][1]) == (1, True)
    assert [ok for ok, _ in ends[1]] == [True, False]
    assert ends[1][1][1].endswith("ends within 30 days; renew it")


@pytest.mark.req("ALM-07")
def test_the_delays_are_printed_alone_with_each_beds_own_period(box, capsys):
    box.bed('address = "tcp-listen://127.0.0.1:0"', "[bed]\nevery_s = 20.0\n")

    assert main(["doctor", "--delays", "--config", str(box.root / "etc")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line[:12].strip() for line in lines} == {"ok  delay"}
    assert any("a first forecast needs 15 min" in line for line in lines)
    assert any("2 of 2 decisions 20 s apart, so up to 40 s" in line for line in lines)
    assert any("alarm signal generation delay" in line for line in lines)


def test_delays_of_a_bundle_that_is_bad_are_not_invented(tmp_path, capsys):
    assert main(["doctor", "--delays", "--bundle", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().out.startswith("BAD bundle")


@pytest.mark.req("SEC-07")
def test_lines_for_strangers_plugins_are_printed_alone(monkeypatch, capsys):
    monkeypatch.setattr(command, "installed_plugins", lambda: ("acme==1.2 sha256:6f",))

    assert main(["doctor", "--plugins"]) == 0
    assert capsys.readouterr().out == "acme==1.2 sha256:6f\n"


# --- a service that runs ------------------------------------------------------------------------


@contextmanager
def runs(box, **changes):
    """Metrics as a service writes them, each name that is in `changes` with another value."""
    took = Histogram()
    for _ in range(100):
        took.observe(0.004)
    health = Health(StorageSettings(), lambda: 7200.0)
    health._started_s, health.watchdog_s = 0.0, 10.0
    health.loops = lambda: [type("Loop", (), {"slug": "bed", "trouble": "", "restarts": 0})]
    meter = health.bed("bed")
    meter.work = meter.turns = took
    meter.decisions["forecast", ""] = 90
    meter.decisions["abstain", "short history"] = 30
    path = box.root / "health.prom"
    path.write_text(health.metrics() + "".join(f"{name} {value}\n" for name, value in changes.items()))
    yield path
    path.unlink()


def test_a_service_that_runs_is_told_in_sentences_and_its_ports_are_left_alone(box):
    with socket.create_server(("127.0.0.1", 0)) as its_port, runs(box):
        address = f"tcp-listen://127.0.0.1:{its_port.getsockname()[1]}"
        box.bed(f'address = "{address}"')
        status, found = box.says()
    said = [(topic, text) for topic, _, text in found]

    assert status == 0
    assert ("port", f"{address}: held by the service that runs") in said
    assert any(
        topic == "service" and "runs for 2.0 h" in text and "watchdog 10 s" in text for topic, text in said
    )
    assert ("bed", "bed: served, never had to be built again") in said
    assert ("bed", "bed: 99 % of turns come within 0.005 s and work at most 0.005 s") in said
    assert ("forecast", "bed: 30 abstain, 90 forecast (short history 30)") in said
    assert ("parts", "bed: all work") in said


@pytest.mark.parametrize(
    ("metric", "value", "topic", "words"),
    [
        ('barocast_bed_restarts_total{bed="bed"}', 3, "bed", "built again 3 times"),
        ('barocast_trouble{bed="bed",part="audit"}', 1, "parts", "does not work: audit"),
        ('barocast_log_pending{bed="bed"}', 12, "parts", "12 rows of the log wait"),
        (
            'barocast_feed_corrupt_total{bed="bed",reason="fcs"}',
            5,
            "feed",
            "5 pieces lost (fcs 5); check parity",
        ),
        ('barocast_decisions_total{bed="bed",state="fault",reason="engine"}', 1, "forecast", "a fault is"),
        ('barocast_work_seconds_bucket{bed="bed",le="+Inf"}', 900, "bed", "too slow for its beds"),
        ('barocast_data_age_seconds{bed="bed",channel="ABP_MEAN"}', 61, "feed", "ABP_MEAN 61 s old"),
        (f"barocast_alarm_transitions_total{{{LOST}}}", 2, "alarms", "feed lost 2"),
    ],
)
def test_what_its_metrics_tell_is_said(box, metric, value, topic, words):
    with runs(box, **{metric: value}):
        _, said = box.topic(topic)

    assert any(words in text for _, text in said), said


def test_a_bed_that_is_not_served_is_bad(box):
    with runs(box) as path:
        path.write_text(path.read_text().replace('bed_served{bed="bed"} 1', 'bed_served{bed="bed"} 0'))
        status, said = box.topic("bed")

    assert (status, said[0]) == (
        1,
        (False, "bed: NOT SERVED, never had to be built again; the journal says why"),
    )


def test_metrics_that_are_old_belong_to_nobody(box):
    with runs(box) as path:
        os.utime(path, (0, 0))

        assert running.running(path) is None
        assert ("service", True, "none runs here; `systemctl status barocast` says more") in box.says()[1]


def test_a_file_that_is_no_metrics_says_nothing_and_breaks_nothing(box):
    (box.root / "health.prom").write_bytes(os.urandom(5000))
    status, said = box.topic("service")

    assert (status, len(said)) == (0, 1)


def test_the_engine_of_a_running_service_is_told(box):
    lines = {
        'barocast_model_info{bundle="toy-1",sequence="1",engine="ort"}': 1,
        "barocast_engine_up": 0,
    }
    with runs(box, **lines):
        status, said = box.topic("engine")

    assert (status, said[-1]) == (1, (False, "toy-1: its process is gone and started again; see the journal"))
