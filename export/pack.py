"""A taught network -> a signed bundle directory, and the record of the run.

    export -> quantize -> calibrators, band (calibration patients) -> threshold (selection patients)
           -> figures (test patients, once) -> known answers, card, manifest, signature

Every number in the card comes from here. Calibrators, band and threshold are fitted on the quantized graph.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from barocast.calibration.alarm_burden import choose, sweep
from barocast.calibration.events import HYPOTENSION
from barocast.calibration.trigger import TriggerRules
from barocast.export.answers import ask, of_role
from barocast.export.assess import assess, risk_tracks
from barocast.export.calibrated import CalibrationPlan, calibrate
from barocast.export.cohort import LEARNED_FROM, role
from barocast.export.known_answers import TOLERANCE, known_answers, sane
from barocast.export.model import FORECAST_MINUTES, GATES
from barocast.export.model_card import model_card
from barocast.export.quantize import parity, quantize
from barocast.export.rows import MODEL_CHANNELS
from barocast.export.to_onnx import shapes, to_onnx
from barocast.runtime import wordpiece
from barocast.runtime.bundle import read_bundle, sign, write_manifest
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import BundleError, Refused
from barocast.runtime.manifest import AlarmPoint, Manifest
from barocast.runtime.prompt import TEMPLATE_VERSION
from barocast.runtime.timeline import STEP_S, WINDOW_MIN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from barocast.export.answers import Answers
    from barocast.export.calibrated import Calibrated
    from barocast.export.recipe import Material, Recipe, Taught

ALARM_HORIZON_MIN: Final = 10
MAX_ALARMS_PER_HOUR: Final = 1.0
INTENDED_USE: Final = (
    "Research on forecasting intraoperative hypotension in adults under general anaesthesia with an arterial "
    "line, beside and never instead of the patient monitor's own alarms."
)
PACKAGES: Final = ("torch", "onnx", "onnxscript", "onnxruntime", "lightgbm", "numpy")


@dataclass(frozen=True, slots=True)
class Release:
    """What a bundle is called, who signs it, and what stands in it beside the graph."""

    id: str
    key_pem: bytes
    plan: CalibrationPlan = field(default_factory=CalibrationPlan)
    crossval: dict[str, Any] | None = None
    """Figures of `train crossval`, for the card."""


def pack(
    taught: Taught,
    material: Material,
    recipe: Recipe,
    release: Release,
    out: Path,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Write and sign the bundle; give the record of the run. Raises BundleError when int8 lost the model."""
    exact = to_onnx(taught.model)
    learned = material.rows.take(of_role(material, "train"))
    graph = quantize(exact, learned, taught.texts, recipe.training.seed)
    say(f"exported: float {len(exact)} bytes, int8 {len(graph)} bytes")
    answers = ask((exact, graph), material, taught.texts, say, bare=release.plan.by_pattern)
    calibrated, alarm = _fit(answers, material, release.plan)
    record = {
        "id": release.id,
        "intended_use": INTENDED_USE,
        **_about_run(taught, material, recipe, graph),
        "calibration_plan": asdict(release.plan),
        **calibrated.to_record(),
        "alarm": asdict(alarm),
        **_figures(answers, calibrated, alarm, material),
        "crossval": release.crossval,
    }
    if not record["parity"]["holds"]:
        raise BundleError(
            f"int8 lies too far from float: {record['parity']}; quantize less of the trunk, "
            "or ask for a calibrator of a few numbers (tables can be steep)",
            Refused.QUALITY,
        )
    _write(out, graph, taught.tokenizer_json, record)
    record["public_key"] = _seal(out, _manifest(graph, release.id, calibrated, alarm), release.key_pem)
    return record


def read_or_make_key(path: Path | None) -> bytes:
    """Give a private key (PEM) from `path`, made there when missing; without a path, one for this run."""
    if path is not None and path.is_file():
        return path.read_bytes()
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    return pem


def _fit(answers: Answers, material: Material, plan: CalibrationPlan) -> tuple[Calibrated, AlarmPoint]:
    rows, chosen_on = material.rows, of_role(material, "selection")
    calibrated = calibrate(plan, answers.heard(material))
    p = calibrated.calibrators.by_row(answers.logits[chosen_on], answers.patterns[chosen_on])
    tracks = risk_tracks(p, rows.take(chosen_on), material.cases, ALARM_HORIZON_MIN)
    points = sweep(tracks, TriggerRules(p_on=0.5, p_off=0.45), ALARM_HORIZON_MIN * 60)
    rules, _ = choose(points, MAX_ALARMS_PER_HOUR)
    return calibrated, AlarmPoint(ALARM_HORIZON_MIN, rules)


def _figures(
    answers: Answers, calibrated: Calibrated, alarm: AlarmPoint, material: Material
) -> dict[str, Any]:
    rows, cases = material.rows, material.cases
    p, exact = (
        calibrated.calibrators.by_row(logits, answers.patterns) for logits in (answers.logits, answers.exact)
    )
    quantiles = calibrated.shown(answers.quantiles)
    figures: dict[str, Any] = {}
    for name in ("calibration", "selection", "test"):
        of = of_role(material, name)
        figures[name] = assess(p[of], quantiles[of], rows.take(of), cases, alarm)
    column = HORIZONS_MIN.index(alarm.horizon_min)
    found = parity(exact, p, rows.labels, alarm.trigger.p_on, column)
    return figures | {"parity": found.to_dict()}


def _about_run(taught: Taught, material: Material, recipe: Recipe, graph: bytes) -> dict[str, Any]:
    return {
        "roles": {name: _role_counts(material, name) for name, _ in LEARNED_FROM.roles},
        "descriptions": sum(role(burden.subject_id) == "train" for burden in material.burdens),
        "settings": asdict(recipe),
        "parameters": sum(p.numel() for p in taught.model.parameters()),
        "model_bytes": len(graph),
        "versions": {"Python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }


def _role_counts(material: Material, name: str) -> dict[str, int]:
    cases = [case for case in material.cases if role(case.subject_id) == name]
    rows = int(of_role(material, name).sum())
    return {"patients": len({case.subject_id for case in cases}), "cases": len(cases), "rows": rows}


def _write(out: Path, graph: bytes, tokenizer_json: str, record: dict[str, Any]) -> None:
    answers = known_answers(graph, wordpiece.load(tokenizer_json))
    if not sane(answers):
        raise BundleError(
            "sanity vectors: a falling pressure is not riskier than a steady one; train again",
            Refused.QUALITY,
        )
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(graph)
    (out / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
    np.savez_compressed(out / "known_answers.npz", allow_pickle=False, **answers)
    (out / "model_card.md").write_text(model_card(record), encoding="utf-8")


def _seal(out: Path, manifest: Manifest, key_pem: bytes) -> str:
    """Sign, and let the bedside's own reader and engine accept it; give the public key."""
    write_manifest(out, manifest)
    public_key = sign(out, key_pem)
    OrtEngine(read_bundle(out, [public_key]))
    return public_key.hex()


def _manifest(graph: bytes, bundle_id: str, calibrated: Calibrated, alarm: AlarmPoint) -> Manifest:
    return Manifest(
        id=bundle_id,
        sequence=1,
        intended_use=INTENDED_USE,
        event=HYPOTENSION,
        channels=MODEL_CHANNELS,
        step_s=STEP_S,
        window_min=WINDOW_MIN,
        shapes=shapes(graph),
        horizons_min=HORIZONS_MIN,
        forecast_minutes=FORECAST_MINUTES,
        gates=GATES,
        text_template=TEMPLATE_VERSION,
        calibrator=calibrated.calibrators.to_dict(),
        alarm=alarm,
        known_answer_tolerance=TOLERANCE,
        learned_from=LEARNED_FROM,
        band=None if calibrated.band is None else calibrated.band.to_dict(),
    )


def save_record(record: dict[str, Any], path: Path) -> None:
    """Leave the run's record (JSON): settings, seeds, versions and figures, no patient's row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
