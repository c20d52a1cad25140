"""Configuration: read once, and wrong in one clear line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from barocast.plugin.feeds import live_names
from barocast.plugin.settings import MAX_THREADS, parse_settings, read_settings
from barocast.runtime.errors import SettingsError

FEED = '[feed]\nkind = "hl7"\naddress = "tcp-listen://127.0.0.1:6661"\n'
GUIDE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_only_the_feed_is_needed():
    settings = parse_settings(FEED, "or3.toml")

    assert settings.feed.kind == "hl7"
    assert (settings.bed.every_s, settings.alarm.priority, settings.sinks.terminal) == (
        30.0,
        "advisory",
        True,
    )


def test_a_whole_number_serves_where_seconds_are_asked():
    assert parse_settings(FEED + "[bed]\nevery_s = 10\n", "or3.toml").bed.every_s == 10


@pytest.mark.req("RUN-08")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[fed]", r"or3.toml: \[fed\]: unknown; the nearest is 'feed'"),
        ("", r"\[feed\] kind: is needed"),
        ("[feed", "not TOML"),
        (FEED + "[sinks]\nsound_devise = 'x'", "nearest is 'sound_device'"),
        (FEED + "[bed]\nevery_s = 'often'", r"\[bed\] every_s: must be a float, not 'often'"),
        (FEED + "[bed]\nevery_s = 0", "every_s: must be 1 to 300 s"),
        (FEED + "[sinks]\nterminal = 1", "must be a bool"),
        (FEED + "[model]\nthreads = true", "must be a int"),
        (FEED + "[model]\nthreads = 0", "threads: must be 1 to 64"),
        (FEED + f"[model]\nthreads = {MAX_THREADS + 1}", "threads: must be 1 to 64"),
        pytest.param("x = " + "[" * 20_000, "nested too deeply", id="deep"),
        (
            FEED + "[engine]\nkind = 'tensort'",
            r"or3.toml: \[engine\] kind: 'tensort' is not one of cpu, .*nearest is 'tensorrt'",
        ),
        (FEED + "[engine]\nkid = 'cpu'", r"\[engine\] kid: unknown; the nearest is 'kind'"),
        (FEED + "[engine]\nkind = 7", r"\[engine\] kind: must be a str, not 7"),
        (FEED + "[alarm]\npriority = 'high'", "never a high-priority alarm"),
        (FEED.replace("hl7", "vital"), "'vital' is not one of bis, dri, hl7, intellivue-serial"),
        (FEED.replace("tcp-listen://127.0.0.1:6661", "127.0.0.1"), "must begin with one of serial://"),
        (FEED.replace("tcp-listen://127.0.0.1:6661", "serial:///dev/ttyUSB0"), "hl7 is heard on tcp:// or"),
        (FEED.replace("6661", "many"), "write serial:///dev/ttyUSB0"),
        (FEED + "[sinks]\nothers = 'relay'", "others: must be a list of texts"),
        ("feed = 3", r"\[feed\]: must be a table"),
    ],
)
def test_what_cannot_be_meant_is_named_with_its_place_and_mend(text, message):
    with pytest.raises(SettingsError, match=message):
        parse_settings(text, "or3.toml")


def test_a_missing_file_is_one_clear_line(tmp_path):
    with pytest.raises(
        SettingsError, match=r"none\.toml: cannot be read \(No such file or directory\); name"
    ):
        read_settings(tmp_path / "none.toml")


def test_a_file_that_is_not_utf_8_is_one_clear_line(tmp_path):
    (tmp_path / "or3.toml").write_bytes(b"# \xb5\n")

    with pytest.raises(SettingsError, match=r"or3\.toml: byte 3 is not UTF-8; save the file as UTF-8"):
        read_settings(tmp_path / "or3.toml")


def test_a_byte_order_mark_of_notepad_is_no_part_of_the_file(tmp_path):
    (tmp_path / "or3.toml").write_text(FEED, encoding="utf-8-sig")

    assert read_settings(tmp_path / "or3.toml") == parse_settings(FEED, "or3.toml")


def test_a_sound_device_is_never_guessed():
    assert parse_settings(FEED, "or3.toml").sinks.sound_device == ""


def test_the_guide_gives_every_live_feed_an_address_that_is_taken():
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| `([^`]+)` \|", GUIDE.read_text("utf-8"), re.MULTILINE)
    heard = [
        parse_settings(f'[feed]\nkind = "{kind}"\naddress = "{address}"\n', "guide").feed.kind
        for kind, address in rows
    ]

    assert set(heard) == set(live_names())


def test_the_guides_examples_are_configurations():
    examples = re.findall(r"```toml\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)

    assert [parse_settings(example, "guide").feed.kind for example in examples] == [
        "intellivue-serial",
        "hl7",
    ]
