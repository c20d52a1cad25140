"""The real page with the real board and desks, and somebody who plays the beds behind them.

with Stage({"or-3": calm()}) as stage:      stage.url, stage.acts (what was asked of the beds)
    stage.tell(alarming())                  the bed says this from now on
    stage.fall_silent() / stage.speak()     the bed's loop is stuck / goes on
    stage.stop() / stage.start()            the service is gone / back on the same port
"""

from __future__ import annotations

import contextlib
import copy
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bed_states import SECTIONS, State, whole_case

from barocast.plugin.cases.case import patient_fields
from barocast.plugin.desk import Admit, Describe, Desk, Discharge
from barocast.plugin.web.bed import Bed
from barocast.plugin.web.board import Board
from barocast.plugin.web.page import Page
from barocast.runtime.alarm.events import (
    Acknowledge,
    AudioOff,
    PauseAlarms,
    PauseAudio,
    ResumeAlarms,
    ResumeAudio,
)

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_S = 0.1
"""Faster than the service, so that tests need not wait."""


class Stage:
    """Beds that say what they are told to say and do what is asked of them."""

    def __init__(self, beds: dict[str, State], token: str = "", refusal: str = "") -> None:
        self.said = {slug: copy.deepcopy(state) | {"bed": slug} for slug, state in beds.items()}
        self.acts: list[Any] = []
        self._token = token
        self._refusal = refusal
        self._desks = {slug: Desk() for slug in beds}
        self._silent = threading.Event()
        self._over = threading.Event()
        self._serial = 0
        self._port = 0
        self.start()
        self._player = threading.Thread(target=self._play, daemon=True)
        self._player.start()

    def __enter__(self) -> Stage:  # noqa: PYI034 - typing has Self from Python 3.11 on
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._player.join()
        self.stop()

    def start(self) -> None:
        """Serve the page, on the same port as before."""
        self._board = Board()
        beds = [
            Bed(
                slug,
                state["title"],
                self._desks[slug],
                whole_case,
                lambda: "<!doctype html><title>Case</title>",
            )
            for slug, state in self.said.items()
        ]
        self._page = Page(self._board, beds)
        self.url = self._page.start(f"127.0.0.1:{self._port}", self._token)
        self._port = int(self.url.rstrip("/").rsplit(":", 1)[1])

    def stop(self) -> None:
        """End the service."""
        self._page.close()

    def tell(self, state: State, bed: str | None = None) -> None:
        """Say this from now on."""
        slug = bed or next(iter(self.said))
        self.said[slug] = copy.deepcopy(state) | {"bed": slug}

    def fall_silent(self) -> None:
        """Stop the bed's loop; the page is still served."""
        self._silent.set()

    def speak(self) -> None:
        """Go on."""
        self._silent.clear()

    def _play(self) -> None:
        while not self._over.wait(EVERY_S):
            if self._silent.is_set():
                continue
            for slug, desk in self._desks.items():
                for asked in desk.take():
                    self.acts.append(asked.act)
                    if not self._refusal:
                        _answer(self.said[slug], asked.act)
                    asked.outcome.set_result(self._refusal)
                self._serial += 1
                with contextlib.suppress(RuntimeError):  # the page is being stopped
                    self._board.publish(slug, self.said[slug] | {"serial": self._serial})


def _acknowledge(state: State, act: Acknowledge) -> None:
    for condition in state["alarm"]["conditions"]:
        if act.occurrence in (None, condition["occurrence"]):
            condition["inactivation"] = "acknowledged"


def _describe(state: State, act: Admit | Describe) -> None:
    patient = patient_fields(act.patient)
    told = [section for section in SECTIONS if section["name"] != "assessment"]
    notes = " ".join(asdict(act.patient)["notes"] and [text for _, text in act.patient.notes])
    state["case"] = {
        "id": (state["case"] or {"id": "c-new"})["id"],
        "admitted": "2026-11-22T09:41:00+00:00",
        "patient": patient,
        "sections": [*told, *([{"name": "assessment", "text": notes}] if notes else [])],
    }


def _answer(state: State, act: Any) -> None:
    """Do as the bed would, as far as the page shows it."""
    answers: dict[type, Callable[[], object]] = {
        Acknowledge: lambda: _acknowledge(state, act),
        PauseAudio: lambda: state["alarm"].update(audio_pause_left_s=act.seconds),
        ResumeAudio: lambda: state["alarm"].update(audio_pause_left_s=0.0, audio_off=False),
        AudioOff: lambda: state["alarm"].update(audio_off=True),
        PauseAlarms: lambda: state["alarm"].update(alarm_pause_left_s=act.seconds),
        ResumeAlarms: lambda: state["alarm"].update(alarm_pause_left_s=0.0),
        Admit: lambda: _describe(state, act),
        Describe: lambda: _describe(state, act),
        Discharge: lambda: state.update(case=None),
    }
    answers[type(act)]()
