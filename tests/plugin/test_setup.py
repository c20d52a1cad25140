"""`barocast setup`: answers in, a configuration that the service reads out, each step proven or not."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress

import pytest
from builders import abp_message
from toy_bundle import toy_bundle

from barocast.plugin.cli import main
from barocast.plugin.service.house import read_house
from barocast.plugin.service.model import Model
from barocast.plugin.settings import ScreenSettings, load_tables
from barocast.plugin.setup import command
from barocast.plugin.setup.answers import Answers
from barocast.plugin.setup.screen_proof import screen_step
from barocast.plugin.setup.step import Verdict
from barocast.plugin.setup.written import TOKEN, write
from barocast.plugin.web.access import read_token
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import BundleError, Refused, SettingsError

GATEWAY = Answers("hl7", "tcp-listen://127.0.0.1:6661", "OR 3")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def model(tmp_path, monkeypatch):
    """The toy's, in this process."""
    bundle = toy_bundle(tmp_path / "toy").read()
    made = Model(bundle, OrtEngine(bundle), lambda: "it died", lambda: True, lambda: None)
    monkeypatch.setattr(command, "load_model", lambda settings, wanted: made)
    return made


@contextmanager
def calling(port, message):
    """A gateway that calls until it is answered, and sends a message for every ten seconds of its clock."""
    over = threading.Event()

    def push():
        while not over.wait(0.02):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as line:
                for second in range(0, 3600, 10):
                    line.sendall(message(second))
                    line.recv(4096)
                    if over.wait(0.01):
                        return

    thread = threading.Thread(target=push, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)


def set_up(tmp_path, capsys, port, *more):
    """Run the command; give its status and verdict -> steps."""
    asked = ["--feed", "hl7", "--address", f"tcp-listen://127.0.0.1:{port}", "--name", "OR 3"]
    status = main(["setup", "--non-interactive", "--config", str(tmp_path / "etc"), *asked, *more])
    lines = capsys.readouterr().out.splitlines()
    return status, [(line[:10].strip(), line[12:21].strip(), line[22:]) for line in lines[:-1]]


@pytest.mark.req("RUN-08")
def test_what_is_written_is_what_the_service_reads(tmp_path):
    made = write(
        Answers("hl7", GATEWAY.address, "OR 3", "wav:x", "127.0.0.1:0", token=True, storage="/s"), tmp_path
    )
    house = read_house(tmp_path)

    assert [bed.settings for bed in house.beds] == [made.settings]
    assert (house.box.sinks.sound_device, house.box.storage.folder) == ("wav:x", "/s")
    assert len(read_token(house.box.screen.token)) >= 32
    assert (tmp_path / TOKEN).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in made.files] == ["or-3.toml", "box.toml"]


def test_nothing_is_overwritten_unkept_and_what_a_person_wrote_stays(tmp_path):
    write(Answers("hl7", GATEWAY.address, "OR 3", screen="127.0.0.1:0", token=True), tmp_path)
    (tmp_path / "or-3.toml").rename(tmp_path / "third.toml")
    with (tmp_path / "third.toml").open("a") as file:
        file.write('[alarm]\npriority = "medium"\n')
    before, token = (tmp_path / "third.toml").read_text(), (tmp_path / TOKEN).read_text()
    made = write(Answers("hl7", "tcp-listen://127.0.0.1:6662", "or 3", token=True), tmp_path)

    assert made.bed == tmp_path / "third.toml"
    assert [path.name for path in made.kept] == ["third.toml.bak-1"]
    assert made.kept[0].read_text() == before
    assert made.settings.alarm.priority == "medium"
    assert made.settings.feed.address == "tcp-listen://127.0.0.1:6662"
    assert made.settings.screen.token == str(tmp_path / TOKEN)
    assert (tmp_path / TOKEN).read_text() == token


def test_the_same_answers_again_write_nothing(tmp_path):
    write(GATEWAY, tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())

    assert write(GATEWAY, tmp_path).files == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (Answers("hl8", GATEWAY.address, "OR 3"), "'hl8' is not one of"),
        (Answers("hl7", "serial:///dev/ttyS0", "OR 3"), "hl7 is heard on"),
        (Answers("hl7", GATEWAY.address, "OR 3", screen="0.0.0.0:8520", token=True), "needs a token and a"),
    ],
)
def test_what_is_no_configuration_is_refused_before_anything_is_written(tmp_path, answers, said):
    with pytest.raises(SettingsError, match=said):
        write(answers, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_answers_may_stand_in_a_file_and_options_stand_above_it(tmp_path, capsys, model):
    (tmp_path / "answers.toml").write_text('feed = "dri"\naddress = "x"\nname = "OR 9"\nsound = "wav:/s"\n')
    set_up(tmp_path, capsys, free_port(), "--answers", str(tmp_path / "answers.toml"), "--seconds", "0.1")

    assert load_tables(tmp_path / "etc" / "or-3.toml")["sinks"]["sound_device"] == "wav:/s"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('adress = "x"\n', "answers.toml: adress: unknown; the nearest is 'address'"),
        ('token = "yes"\n', "token: must be a bool"),
        ('feed = "hl7"\n', "--address: is needed"),
    ],
)
def test_answers_that_make_no_bed_are_one_line(tmp_path, capsys, text, said):
    (tmp_path / "answers.toml").write_text(text)
    arguments = ["--answers", str(tmp_path / "answers.toml"), "--config", str(tmp_path / "etc")]

    assert main(["setup", "--non-interactive", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "etc").exists()


def test_a_gateway_that_speaks_proves_every_step(tmp_path, capsys, model):
    port = free_port()
    with calling(port, abp_message):
        status, steps = set_up(tmp_path, capsys, port, "--screen", "127.0.0.1:0", "--storage", str(tmp_path))
    said = {name: (verdict, text) for verdict, name, text in steps}

    assert (status, [verdict for verdict, _, _ in steps].count("BAD")) == (0, 0)
    assert [name for _, name, _ in steps][-5:] == ["port", "bytes", "frames", "pressure", "decision"]
    assert said["pressure"] == ("ok", "arterial mean 85 mmHg")
    assert said["decision"][1].startswith("abstains: short history: ")
    assert said["engine"][1].startswith("toy-1: 20 known answers right on onnxruntime")
    assert said["screen"][1].endswith("answers; whoever sees it may act")
    assert said["sound"][0] == "not proven"


@pytest.mark.parametrize(
    ("message", "broken", "why"),
    [
        (lambda second: b"\x0bnonsense\x1c\r", "frames", "none is sound"),
        (lambda second: abp_message(second).replace(b"1500", b"1400"), "pressure", "no usable arterial mean"),
    ],
)
def test_the_first_broken_step_is_said_with_its_mend_and_ends_it(
    tmp_path, capsys, model, message, broken, why
):
    port = free_port()
    with calling(port, message):
        status, steps = set_up(tmp_path, capsys, port, "--seconds", "1.5")
    verdict, name, text = steps[-1]

    assert (status, verdict, name) == (1, "BAD", broken)
    assert why in text


def test_a_monitor_that_says_nothing_is_told_with_what_to_look_at(tmp_path, capsys, model):
    status, steps = set_up(tmp_path, capsys, free_port(), "--seconds", "0.2")

    assert (status, steps[-1][:2]) == (1, ("BAD", "bytes"))
    assert "look at cable, port and the monitor's setting" in steps[-1][2]


def test_a_loudspeaker_with_a_table_of_its_own_is_not_called_no_sound(tmp_path, capsys, model):
    write(GATEWAY, tmp_path / "etc")
    with (tmp_path / "etc" / "or-3.toml").open("a") as file:
        file.write(f'[sinks.sound]\ndevice = "wav:{tmp_path / "bursts"}"\n')
    _, steps = set_up(tmp_path, capsys, free_port(), "--seconds", "0.1")

    assert [text for _, name, text in steps if name in {"sinks", "sound"}] == [
        f"sound: WAV files in {tmp_path / 'bursts'}; no loudspeaker",
        "NO SOUND: files are written, and nobody hears them",
    ]


def test_a_port_that_somebody_has_is_bad(tmp_path, capsys, model):
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        status, steps = set_up(tmp_path, capsys, stranger.getsockname()[1], "--seconds", "0.2")

    assert (status, steps[-1][:2]) == (1, ("BAD", "port"))


def test_a_model_that_is_refused_ends_the_proof(tmp_path, capsys, monkeypatch):
    def refuse(settings, wanted):
        raise BundleError("model.onnx: its SHA-256 is not the signed one", Refused.ENGINE)

    monkeypatch.setattr(command, "load_model", refuse)
    status, steps = set_up(tmp_path, capsys, free_port())

    assert (status, steps[-1]) == (1, ("BAD", "engine", "model.onnx: its SHA-256 is not the signed one"))


def test_a_virtual_monitor_takes_the_whole_chain_to_a_forecast(tmp_path, capsys, model, monkeypatch):
    monkeypatch.setattr(command, "SPEED", 240.0)
    port = free_port()
    status, steps = set_up(tmp_path, capsys, port, "--simulate")

    assert status == 0
    assert steps[-2][:2] == ("ok", "decision")
    assert steps[-2][2].startswith("forecast: hypotension ")
    assert steps[-2][2].endswith("(simulated)")
    assert steps[-1][0] == "not proven"
    assert load_tables(tmp_path / "etc" / "or-3.toml")["feed"]["address"] == f"tcp-listen://127.0.0.1:{port}"


def test_a_feed_without_a_virtual_monitor_is_refused(tmp_path, capsys, model):
    arguments = ["--feed", "masimo", "--address", "serial:///dev/ttyS9", "--name", "x", "--simulate"]

    assert main(["setup", "--non-interactive", "--config", str(tmp_path), *arguments]) == 2
    assert "masimo has no virtual monitor" in capsys.readouterr().err


def test_the_page_is_served_and_asked_with_its_token(tmp_path):
    (tmp_path / "token").write_text("a-token-of-some-length\n")
    (tmp_path / "token").chmod(0o600)
    step = screen_step(ScreenSettings("127.0.0.1:0", str(tmp_path / "token")))

    assert step.verdict is Verdict.OK
    assert f"acts need the token in {tmp_path / 'token'}" in step.text


def test_a_page_whose_port_is_taken_is_bad():
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        step = screen_step(ScreenSettings(f"127.0.0.1:{stranger.getsockname()[1]}"))

    assert step.verdict is Verdict.BAD
    assert "another program has this port" in step.text


def test_a_page_with_a_certificate_is_asked_over_tls(box):
    step = screen_step(ScreenSettings("127.0.0.1:0", "", box.certificate, box.key))

    assert (step.verdict, step.text.startswith("https://")) == (Verdict.OK, True)
