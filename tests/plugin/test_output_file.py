"""Output: whole or not at all, and never in the place of something that is no file."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

import pytest

from barocast.plugin.output_file import open_output
from barocast.runtime.errors import InputError


def test_the_file_takes_its_name_when_all_is_written(tmp_path):
    with open_output(tmp_path / "out") as file:
        file.write("whole")
        assert not (tmp_path / "out").exists()

    assert (tmp_path / "out").read_text() == "whole"


def test_a_failure_leaves_what_was_there(tmp_path):
    (tmp_path / "out").write_text("before")
    with suppress(ZeroDivisionError), open_output(tmp_path / "out") as file:
        file.write("half")
        raise ZeroDivisionError

    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").read_text() == "before"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    heard = []
    reader = threading.Thread(target=lambda: heard.append((tmp_path / "pipe").read_text()))
    reader.start()
    with open_output(tmp_path / "pipe") as file:
        file.write("line\n")
    reader.join(timeout=10)

    assert heard == ["line\n"]
    assert (tmp_path / "pipe").is_fifo()


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with open_output(tmp_path / "link") as file:
        file.write("new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_folder_and_a_missing_folder_are_one_clear_error(tmp_path):
    with pytest.raises(InputError, match="is a folder"), open_output(tmp_path):
        pass
    with pytest.raises(InputError, match="cannot be written"), open_output(tmp_path / "none" / "out"):
        pass
