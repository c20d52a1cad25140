"""The model card: what TRIPOD+AI asks for, with every figure taken from the run.

In: the run's record. Out: Markdown. Nothing is typed in by hand that a run could have measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.calibrators import read_calibrators
from barocast.calibration.conformal import COVERAGE, ConformalBand
from barocast.calibration.parametric import DRAWN, PRIOR_PATIENTS
from barocast.export.packing import tripod
from barocast.export.packing.card_figures import fairness, performance

if TYPE_CHECKING:
    from collections.abc import Mapping

    Record = Mapping[str, Any]

SOURCE: Final = (
    "VitalDB (Lee HC et al., Scientific Data 2022; Seoul National University Hospital, operations from "
    "August 2016 to June 2017), CC BY-NC-SA 4.0 and the VitalDB data use agreement; pressures read off "
    "figures that others published from it, static fields from its clinical table. The weights are derived "
    "from these data: non-commercial use, share alike, attribution as above."
)
PREPARED: Final = (
    "Landmarks lie every 30 s from the 15th minute, where MAP is 65 mmHg or more and no event is running or "
    "just over; no grey zone is removed. Missing values stay missing (mask); an unknown label is left out."
)
STRETCHING: Final = (
    "Training rows are the patients' own and those of the same cases shifted (-12 to +12 mmHg) or stretched "
    "(x 0.75, x 1.3), events found anew. Calibration, selection and test rows are never changed."
)
OUTPUT: Final = (
    "Three calibrated probabilities (5 <= 10 <= 15 min, ordered by construction), MAP quantiles each 30 s to "
    "15 min (uncrossed by construction), and two gates between 0 and 1: how much the text and how much the "
    "series moved the answer. The alarm threshold is an operating point on one of the risks; it can be set "
    "anew."
)
BEDSIDE: Final = (
    "A window with too little valid pressure, an artefact or a stale clock is not answered: the screen says "
    "so and why. Answers of a wrong shape, out of order or not finite are shown as a fault, never as a low "
    "risk. Whoever uses it must be able to treat the patient without it."
)
LIMITS: Final = (
    "One hospital (Seoul), adults under general anaesthesia, all with an arterial line.",
    "MAP only, one value in 10 s at best; nothing beat-level may be claimed. No heart rate, no drug timing.",
    "Treated and untreated falls look alike: a pressor given after an alarm makes it look false.",
    "Induction is hardly covered: the first 15 min of a case have no forecast at all.",
    "Few patients: the intervals are wide. Subgroups chose nothing and are not reported below 10 events.",
    "Settings were chosen among some fifteen variants on these patients: figures are slightly optimistic.",
    "The test figures of four candidates were seen before this one was packed.",
    "The test patients were less hypotensive than the training ones: on them the risks came out too high.",
    "Description text moves the forecast little; its effect on accuracy could not be told from none.",
    "Not validated in another hospital, in children, with non-invasive pressure, or prospectively.",
)
OPEN_SCIENCE: Final = (
    "No funding, no interests to declare, no protocol registered beforehand. Code: this repository, "
    "Apache-2.0. Data: VitalDB's own terms; no patient's row is in this bundle (known answers are made up)."
)


def model_card(record: Record) -> str:
    """Give the card of one run."""
    parts = (
        _head(record),
        _data(record),
        _model(record),
        f"## Output\n\n{OUTPUT}",
        performance(record),
        fairness(record),
        f"## Use at the bedside\n\n{BEDSIDE}",
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
        f"## Open science\n\n{OPEN_SCIENCE}",
        _reproduce(record),
        f"## TRIPOD+AI\n\n{tripod.table()}",
    )
    return "\n\n".join(parts) + "\n"


def _head(record: Record) -> str:
    return (
        f"# Model card: {record['id']}\n\n"
        "Development and internal evaluation of a model that forecasts intraoperative hypotension. Research "
        "software, not a medical device. It does not replace the monitor's own alarms, and no benefit to "
        "patients is claimed.\n\n"
        f"**Intended use.** {record['intended_use']} Intended users: researchers, and anaesthesia staff who "
        "know that it is research.\n\n"
        "**Outcome.** Onset of hypotension (MAP < 65 mmHg for 60 s or longer; one missing sample bridged; "
        "events less than 120 s apart are one) within 5, 10 and 15 min, and the course of MAP to 15 min as "
        "10, 50 and 90 % quantiles.\n\n"
        "**Predictors.** Invasive MAP of the last 15 min on a 10 s grid with its mask; its trend over 1 to "
        "15 min; the case so far; the patient's description as text in named sections (optional)."
    )


def _data(record: Record) -> str:
    roles = "\n".join(
        f"| {name} | {role['patients']} | {role['cases']} | {role['rows']} | {role['before_event']} |"
        for name, role in record["roles"].items()
    )
    return (
        "## Data\n\n"
        f"{SOURCE}\n\n"
        "Patients are split by a hash of their subject id over all sources together; none has two roles.\n\n"
        "| role | patients | cases | landmarks | an event within 10 min |\n|---|---|---|---|---|\n"
        f"{roles}\n\n{_taught_by(record['parent'])}{PREPARED}"
    )


def _taught_by(parent: Record) -> str:
    """Say who taught it; of a network that is not ours, that it is not known here."""
    if "course" in parent:
        beside = f", and on {parent['simulated']} simulated patients" if parent["simulated"] else ""
        return f"Taught by `barocast train teacher`, on patients of the role `train` alone{beside}.\n\n"
    if "taught_by" not in parent:
        return (
            "Who taught the network is its maker's to say: the roles above hold for calibrator, threshold "
            "and figures; where its maker trained on patients of these roles, the figures are optimistic.\n\n"
        )
    told = parent["taught_by"]
    return (
        f"The network was taught on {told['rows']} landmarks of {told['patients']} "
        f"{' and '.join(told['roles'])} patients, its text encoder on {told['descriptions']} descriptions of "
        f"such patients with a known share of hypotension. {STRETCHING}\n\n"
    )


def _model(record: Record) -> str:
    return f"## Model\n\n{_network(record)}\n\n{_precision(record)}\n\n{_calibration(record)}"


def _network(record: Record) -> str:
    parent, graphs = record["parent"], record["graphs"]
    size = (
        f"{parent['parameters']:,} parameters; as ONNX (opset {graphs['opset']}) two graphs: the prefix, "
        f"once a patient ({graphs['prefix_bytes'] / 1e6:.2f} MB), and the tick "
        f"({graphs['tick_bytes'] / 1e6:.2f} MB)"
    )
    if "course" in parent:
        return _teacher(parent["course"], size)
    if "settings" not in parent:
        return f"A network of its maker's own, read by an adapter: {size}."
    network, training = parent["settings"]["network"], parent["settings"]["training"]
    return (
        f"{network['members']} small transformers side by side, {size}: 30 s patches and trend tokens, gated "
        "cross-attention to the text's tokens with a residual, a wide linear path, ordered risk logits. "
        f"Width {network['width']}, {network['layers']} layer(s). Trained {training['epochs']} epochs, "
        f"{training['distilled_share']:.0%} of the risk loss from boosted trees' out-of-fold targets, "
        f"{training['augmented_share']:.0%} of rows stretched, seed {training['seed']}."
    )


def _teacher(course: Record, size: str) -> str:
    network, lesson = course["network"], course["lesson"]
    return (
        f"A language-model teacher: the first {network['layers']} layer(s) of {network['trunk']}, "
        f"{network['mode']}, {size}; text and series cross token by token with a residual and a gate. Taught "
        f"{lesson['steps']} batches of {lesson['batch']} rows through the language model, "
        f"{course['straight_steps']} past it, made windows: {course['made']}, seed {course['seed']}."
    )


def _precision(record: Record) -> str:
    found, parity = record["precision"], record["parity"]
    changes = ", ".join(f"{change:+.4f}" for change in parity["auroc_change"])
    left = (
        f" Left in float, being the costliest: {', '.join(found['in_float'])}." if found["in_float"] else ""
    )
    return (
        f"**Precision.** {found['name']}: {found['summary']}{left} Against the float graph in evaluation "
        f"mode (dropout off), on {parity['rows']} rows: AUROC {changes} (5, 10, 15 min), largest change of a "
        f"probability {parity['max_p_change']:.4f}, same decisions {parity['same_decisions']:.2%}."
    )


def _calibration(record: Record) -> str:
    parts = (_calibrators(record), _choice(record["calibrator_choice"]), _band(record["band"]))
    return f"**Calibration.** {''.join(parts)}"


def _calibrators(record: Record) -> str:
    """Say what turns logits into probabilities, for whose rows, and how far it was drawn."""
    calibrators = read_calibrators(record["calibrator"])
    named = list(calibrators.named())
    said = "; ".join(f"{whose}: {one.summary()}" for whose, one in named)
    heading = (
        f"Calibrators by pattern: {said}" if calibrators.patterns else f"Calibrator: {named[0][1].summary()}"
    )
    fitted = ", fitted on the packed graphs on the calibration patients"
    drawn = (
        f" and drawn towards the identity with the weight of {PRIOR_PATIENTS} patients, because they are few."
        if isinstance(calibrators.default, DRAWN)
        else "; a table cannot be drawn towards the identity, however few they are."
    )
    bare = (
        " The calibration rows were run once more without text; risks without text are not among the figures "
        "below."
    )
    return heading + fitted + drawn + (bare if calibrators.patterns else "")


def _choice(choice: Record | None) -> str:
    if choice is None:
        return ""
    losses = ", ".join(f"{kind} {loss:.4f}" for kind, loss in choice["losses"].items())
    refused = "".join(f"; {kind} refused ({reason})" for kind, reason in choice["refused"].items())
    return f" The kind was chosen: {choice['rule']} (nats: {losses}{refused})."


def _band(band: Record | None) -> str:
    if band is None:
        return ""
    return (
        f" The 10 to 90 % band of MAP is {ConformalBand.from_dict(band).summary()}, fitted on the same "
        f"patients to hold {COVERAGE:.0%} of a new patient's rows, if patients are exchangeable."
    )


def _reproduce(record: Record) -> str:
    parent, reference = record["parent"], record["reference"]
    packed = _listed(record["versions"])
    taught = f"; taught with {_listed(parent['versions'])}" if "versions" in parent else ""
    sums = "\n".join(f"| {name} | `{value}` |" for name, value in reference.items() if name != "mode")
    kind = "student" if "settings" in parent else "teacher" if "course" in parent else ""
    train = f"`barocast train {kind} --out STUDENT`, then " if kind else ""
    return (
        "## Reproduce\n\n"
        f"{train}`barocast export bundle --from STUDENT --out DIR{record['options']} --key PEM` with "
        "BAROCAST_COHORT set to the cohort's folder (`barocast train crossval` for the table). The same "
        "inputs and versions give the same bytes. Seeds are in the settings; packed with "
        f"{packed}{taught}.\n\n"
        f"The parent that this bundle must answer like, in mode `{reference['mode']}`:\n\n"
        f"| part | SHA-256 |\n|---|---|\n{sums}"
    )


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())
