"""A trained network -> a signed bundle directory, and the record of the run.

    export -> quantize, the worst layers back to float -> ask both, every row of the cohort, one at a time
           -> calibrators, band, threshold, figures (figures.py), fitted on the packed graphs
           -> known answers, card, manifest, signature -> read back by the bedside's own reader and engine

Every number in the card comes from here. The same inputs and versions give the same bytes: nothing in a
bundle tells when, where or by whom it was packed but the signature.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.events import HYPOTENSION
from barocast.export.answers import ask
from barocast.export.checkpoint import versions
from barocast.export.cohort import LEARNED_FROM
from barocast.export.graphs.running import shapes
from barocast.export.graphs.to_onnx import IR_VERSION, OPSET, to_onnx
from barocast.export.known_answers import TOLERANCE, known_answers, sane
from barocast.export.model import FORECAST_MINUTES, GATES
from barocast.export.packing.archive import npz
from barocast.export.packing.figures import figures, fit, kept, roles
from barocast.export.packing.model_card import model_card
from barocast.export.packing.parent import reference
from barocast.export.packing.precision import in_precision
from barocast.export.packing.seal import seal
from barocast.export.rows import MODEL_CHANNELS
from barocast.runtime.bundle_files import CARD, KNOWN_ANSWERS, MODEL, PREFIX, TOKENIZER
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.errors import BundleError, Refused
from barocast.runtime.manifest import Manifest
from barocast.runtime.prompt import TEMPLATE_VERSION
from barocast.runtime.text_tokens import load
from barocast.runtime.timeline import STEP_S, WINDOW_MIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from barocast.export.graphs.to_onnx import Graphs
    from barocast.export.packing.figures import Fitted
    from barocast.export.packing.parent import Parent
    from barocast.export.packing.release import Release
    from barocast.export.recipe import Material

INTENDED_USE: Final = (
    "Research on forecasting intraoperative hypotension in adults under general anaesthesia with an arterial "
    "line, beside and never instead of the patient monitor's own alarms."
)
PACKAGES: Final = ("torch", "onnx", "onnxscript", "onnxruntime", "numpy")


def pack(
    parent: Parent, material: Material, release: Release, out: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Write and sign the bundle; give the record of the run.

    Raises BundleError where the packed graphs lost the model, SettingsError where these patients cannot carry
    what was asked for or the bundle cannot be written.
    """
    texts = parent.texts_of(material.cases)
    exact = to_onnx(parent.split)
    packed = in_precision(release.precision, exact, parent, material, texts, say)
    say(f"exported: tick {len(exact.tick)} bytes in float, {len(packed.graphs.tick)} in {release.precision}")
    answers = ask((exact, packed.graphs), material, texts, say, bare=release.plan.by_pattern)
    fitted = fit(answers, material, release.plan)
    say("calibrators, band and threshold fitted")
    record = {
        "id": release.id,
        "intended_use": INTENDED_USE,
        "options": release.options(),
        "parent": dict(parent.about),
        "reference": reference(parent, exact),
        "graphs": {"opset": OPSET, "ir": IR_VERSION, **_sizes(packed.graphs)},
        "precision": packed.told,
        "roles": roles(material),
        "calibration_plan": asdict(release.plan),
        **fitted.calibrated.to_record(),
        "alarm": asdict(fitted.alarm),
        **figures(answers, fitted, material),
        "parity": kept(answers, fitted, material).to_dict(),
        "crossval": release.crossval,
        "versions": versions(PACKAGES),
    }
    if not record["parity"]["holds"]:
        raise BundleError(
            f"{release.precision} lies too far from float: {record['parity']}; choose another --precision, "
            "or a calibrator of a few numbers (tables can be steep)",
            Refused.QUALITY,
        )
    manifest = _manifest(parent, packed.graphs, fitted, release, record["reference"])
    contents = _contents(parent, packed.graphs, record)
    record["public_key"] = seal(out, contents, manifest, release.key_pem)
    return record


def _sizes(graphs: Graphs) -> dict[str, int]:
    return {"prefix_bytes": len(graphs.prefix), "tick_bytes": len(graphs.tick)}


def _contents(parent: Parent, graphs: Graphs, record: Mapping[str, Any]) -> dict[str, bytes]:
    """Give every file but manifest and signature. BundleError where the sanity vectors are not sane."""
    answers = known_answers(graphs, load(parent.tokenizer_json))
    if not sane(answers):
        raise BundleError(
            "sanity vectors: a falling pressure is not riskier than a steady one; train again",
            Refused.QUALITY,
        )
    return {
        PREFIX: graphs.prefix,
        MODEL: graphs.tick,
        TOKENIZER: parent.tokenizer_json.encode(),
        KNOWN_ANSWERS: npz(answers),
        CARD: model_card(record).encode(),
    }


def _manifest(
    parent: Parent, graphs: Graphs, fitted: Fitted, release: Release, exact: Mapping[str, str]
) -> Manifest:
    told, memory = shapes(graphs), parent.split.memory
    return Manifest(
        id=release.id,
        sequence=release.sequence,
        intended_use=INTENDED_USE,
        event=HYPOTENSION,
        channels=MODEL_CHANNELS,
        step_s=STEP_S,
        window_min=WINDOW_MIN,
        shapes={name: shape for name, shape in told.items() if name not in memory},
        memory={name: told[name] for name in memory},
        horizons_min=HORIZONS_MIN,
        forecast_minutes=FORECAST_MINUTES,
        gates=GATES,
        text_template=TEMPLATE_VERSION,
        calibrator=fitted.calibrated.calibrators.to_dict(),
        alarm=fitted.alarm,
        known_answer_tolerance=TOLERANCE,
        learned_from=LEARNED_FROM,
        reference=exact,
        band=None if fitted.calibrated.band is None else fitted.calibrated.band.to_dict(),
    )
