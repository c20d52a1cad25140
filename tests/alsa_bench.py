"""Stand-ins for a loudspeaker: an `aplay` that keeps how it is called, an ALSA device that is a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def fake_aplay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str = "exit 0") -> Path:
    """Put an `aplay` on PATH; give the file of its arguments, beside `played`, which is what it was given."""
    called, player = tmp_path / "called", tmp_path / "bin" / "aplay"
    player.parent.mkdir()
    player.write_text(f'#!/bin/sh\necho "$@" >> {called}\ncat >> {tmp_path}/played\n{then}\n')
    player.chmod(0o755)
    monkeypatch.setenv("PATH", f"{player.parent}:/usr/bin:/bin")
    return called


def file_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the ALSA device `tofile`; give the WAV file that it writes."""
    config, file = tmp_path / "asound.conf", tmp_path / "written.wav"
    config.write_text(
        "pcm.nothing { type null }\n"
        f'pcm.tofile {{ type file slave.pcm nothing file "{file}" format "wav" perm 0600 }}\n'
    )
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(config))
    return file
