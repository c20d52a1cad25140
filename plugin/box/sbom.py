"""The bill of materials of a wheelhouse: CycloneDX 1.6, JSON.

What is in it: every wheel with version, licence, author, SHA-256 and what it requires on the target, and
the embedded model as a component of type `machine-learning-model` with its files, its parents and a model
card (all of them the signed manifest's facts). The NTIA's minimum elements are all there: supplier, name,
version, identifier, relations, author, time. Written here and not by cyclonedx-python-lib, which knows no
model cards; a test holds it against the schema.
"""

from __future__ import annotations

import json
import uuid
import zipfile
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from barocast.plugin.box.lock import EXTRAS, Candidate, Pin, required
from barocast.runtime.errors import BarocastError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from barocast.plugin.box.target import Target
    from barocast.plugin.box.wheel import Wheel

Json: TypeAlias = dict[str, Any]

OURS: Final = "barocast"
BUNDLE: Final = "barocast/runtime/default_bundle/"
"""Inside our wheel."""
WEIGHTS_LICENCE: Final = "CC-BY-NC-SA-4.0"
"""Of the data that the weights are derived from, so of the weights (the bundle's model_card.md, Data)."""
NAMESPACE: Final = uuid.UUID("6f1c1c56-7a55-4f8e-9a6b-0f2a3c8d5e11")
"""Drawn once; with it the same wheels give the same serial number."""


def bill(wheels: Sequence[Wheel], target: Target, wall: str) -> Json:
    """Describe these wheels, listed at `wall` (ISO 8601). Raises BarocastError where ours is missing."""
    ours = next((wheel for wheel in wheels if wheel.name == OURS), None)
    if ours is None:
        raise BarocastError(f"bill of materials: no wheel of {OURS} among {len(wheels)}")
    others = [wheel for wheel in wheels if wheel is not ours]
    model = _model(ours)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(NAMESPACE, target.name + "".join(w.sha256 for w in wheels)).urn,
        "version": 1,
        "metadata": {
            "timestamp": wall,
            "authors": [{"name": "Barocast"}],
            "component": _library(ours) | {"type": "application"},
            "properties": [{"name": "barocast:target", "value": target.name}],
        },
        "components": [*map(_library, others), model],
        "dependencies": [*_relations(wheels, target, model["bom-ref"]), {"ref": model["bom-ref"]}],
    }


def _library(wheel: Wheel) -> Json:
    component: Json = {
        "type": "library",
        "bom-ref": _reference(wheel),
        "supplier": {"name": wheel.author or f"the authors of {wheel.name}"},
        "name": wheel.name,
        "version": wheel.version,
        "purl": _reference(wheel),
        "hashes": [_sha256(wheel.sha256)],
    }
    if wheel.summary:
        component["description"] = wheel.summary
    if wheel.licence:
        component["licenses"] = [_licence(wheel.licence)]
    return component


def _reference(wheel: Wheel) -> str:
    return f"pkg:pypi/{wheel.name}@{wheel.version}"


def _licence(said: str) -> Json:
    """As an SPDX expression where it is one, else in the author's words."""
    try:
        return {"expression": canonicalize_license_expression(said)}
    except InvalidLicenseExpression:
        return {"license": {"name": said}}


def _relations(wheels: Sequence[Wheel], target: Target, model: str) -> list[Json]:
    """Say which wheel needs which on this target; ours also carries the model."""
    references = {wheel.name: _reference(wheel) for wheel in wheels}
    relations: list[Json] = []
    for wheel in wheels:
        needed = [references[name] for name in sorted(_needs(wheel, wheels, target))]
        relations.append(
            {"ref": references[wheel.name], "dependsOn": needed + [model] * (wheel.name == OURS)}
        )
    return relations


def _needs(wheel: Wheel, wheels: Iterable[Wheel], target: Target) -> set[str]:
    """Names that a wheel itself asks for; of ours, with the extras that a wheelhouse carries."""
    found = {
        one.name: Candidate(Pin(one.name, one.version, one.sha256), one.requires if one is wheel else ())
        for one in wheels
    }
    root = f"{OURS}[{','.join(EXTRAS)}]" if wheel.name == OURS else wheel.name
    return required([root], found, target.environment)[0] - {wheel.name}


def _model(ours: Wheel) -> Json:
    """Describe the embedded model by the signed manifest in our wheel."""
    with zipfile.ZipFile(ours.path) as archive:
        manifest = json.loads(archive.read(f"{BUNDLE}manifest.json"))
    files = manifest["files"]
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{manifest['id']}",
        "supplier": {"name": "Barocast"},
        "name": manifest["id"],
        "version": str(manifest["sequence"]),
        "description": manifest["intended_use"],
        "hashes": [_sha256(files["model.onnx"]["sha256"])],
        "licenses": [{"license": {"id": WEIGHTS_LICENCE}}],
        "components": [_file(name, files[name]["sha256"]) for name in sorted(files)],
        **_pedigree(manifest.get("reference", {})),
        "modelCard": _card(manifest),
        "properties": [{"name": "barocast:model-card", "value": f"{BUNDLE}model_card.md"}],
    }


def _pedigree(reference: Json) -> Json:
    """Give what the graphs were made of, where the manifest names it: checkpoint and float graphs."""
    ancestors = [_file(name, sha256) for name, sha256 in reference.items() if name != "mode"]
    return {"pedigree": {"ancestors": ancestors}} if ancestors else {}


def _file(name: str, sha256: str) -> Json:
    return {"type": "file", "name": name, "hashes": [_sha256(sha256)]}


def _sha256(content: str) -> Json:
    return {"alg": "SHA-256", "content": content}


def _card(manifest: Json) -> Json:
    event = manifest["event"]
    outcome = f"MAP < {event['below_mmhg']:g} mmHg for {event['lasting_s']:g} s or longer"
    horizons = ", ".join(f"{minutes} min" for minutes in manifest["horizons_min"])
    learned = manifest["learned_from"]
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": f"probability of {outcome} within {horizons}; course of MAP as quantiles",
            "architectureFamily": "transformer",
            "datasets": [
                {"type": "dataset", "name": learned["source"], "classification": ", ".join(learned["uses"])}
            ],
            "inputs": [
                {"format": f"{manifest['window_min']:g} min of {', '.join(manifest['channels'])}, and text"}
            ],
            "outputs": [{"format": "logits, quantiles, gates"}],
        },
        "considerations": {
            "useCases": [manifest["intended_use"]],
            "technicalLimitations": [
                "Not a medical device; see the model card in the bundle for limits and figures."
            ],
        },
    }
