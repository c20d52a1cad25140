"""The model card: what TRIPOD+AI asks for, with every figure taken from the run.

In: the run's record. Out: Markdown. Nothing is typed in by hand that a run could have measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.calibrators import read_calibrators
from barocast.calibration.conformal import COVERAGE, ConformalBand
from barocast.calibration.parametric import DRAWN, PRIOR_PATIENTS
from barocast.export.calibrated import CalibrationPlan

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE: Final = (
    "VitalDB (Lee HC et al., Scientific Data 2022), CC BY-NC-SA 4.0 and the VitalDB data use agreement; "
    "pressures read off figures that others published from it, static fields from its clinical table. "
    "The weights are derived from these data: non-commercial use, share alike, attribution as above."
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
_RISK_FIGURES: Final = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "slope": "slope",
    "intercept": "intercept",
    "observed_expected": "O/E",
    "scaled_brier": "scaled Brier",
}
STRETCHING: Final = (
    "Training rows are the patients' own and those of the same cases shifted (-12 to +12 mmHg) or stretched "
    "(x 0.75, x 1.3), events found anew. Calibration, selection and test rows are never changed."
)


def model_card(record: Mapping[str, Any]) -> str:
    """Give the card of one run."""
    parts = (_head(record), _data(record), _model(record), _results(record), _limits(), _reproduce(record))
    return "\n\n".join(parts) + "\n"


def _head(record: Mapping[str, Any]) -> str:
    return (
        f"# Model card: {record['id']}\n\n"
        "Research software, not a medical device. It does not replace the monitor's own alarms, and no "
        "benefit to patients is claimed.\n\n"
        f"**Intended use.** {record['intended_use']}\n\n"
        "**Outcome.** Onset of hypotension (MAP < 65 mmHg for 60 s or longer; one missing sample bridged; "
        "events less than 120 s apart are one) within 5, 10 and 15 min, and the course of MAP to 15 min as "
        "10, 50 and 90 % quantiles.\n\n"
        "**Predictors.** Invasive MAP of the last 15 min on a 10 s grid with its mask; its trend over 1 to "
        "15 min; the case so far; the patient's description as text in named sections (optional)."
    )


def _data(record: Mapping[str, Any]) -> str:
    roles = "\n".join(
        f"| {name} | {role['patients']} | {role['cases']} | {role['rows']} |"
        for name, role in record["roles"].items()
    )
    return (
        "## Data\n\n"
        f"{SOURCE}\n\n"
        "Patients are split by a hash of their subject id over all sources together; none has two roles.\n\n"
        f"| role | patients | cases | landmarks |\n|---|---|---|---|\n{roles}\n\n"
        f"The text encoder was taught on {record['descriptions']} descriptions of training patients with a "
        "known share of hypotension. Landmarks lie every 30 s from the 15th minute, where MAP is 65 mmHg or "
        "more and no event is running or just over; no grey zone is removed. Missing values stay missing "
        f"(mask); an unknown label is left out.\n\n{STRETCHING}"
    )


def _model(record: Mapping[str, Any]) -> str:
    network, training = record["settings"]["network"], record["settings"]["training"]
    parity = record["parity"]
    changes = ", ".join(f"{change:+.4f}" for change in parity["auroc_change"])
    return (
        "## Model\n\n"
        f"{network['members']} small transformers in one graph ({record['parameters']:,} parameters, "
        f"{record['model_bytes'] / 1e6:.2f} MB, ONNX opset 18): 30 s patches and trend tokens, gated "
        "cross-attention to the text's tokens with a residual, a wide linear path, ordered risk logits. "
        f"Width {network['width']}, {network['layers']} layer(s). Trained {training['epochs']} epochs, "
        f"{training['distilled_share']:.0%} of the risk loss from boosted trees' out-of-fold targets, "
        f"{training['augmented_share']:.0%} of rows stretched, seed {training['seed']}.\n\n"
        "Static int8 Q/DQ of the trunk; attention among its tokens, normalization, gates, text encoder, wide "
        "path and head in float. "
        f"Against its float parent on {parity['rows']} rows: AUROC {changes} (5, 10, 15 min), largest change "
        f"of a probability {parity['max_p_change']:.4f}, same decisions {parity['same_decisions']:.2%}. "
        f"{_calibrators(record)}{_choice(record['calibrator_choice'])}{_band(record['band'])}"
    )


def _calibrators(record: Mapping[str, Any]) -> str:
    """Say what turns logits into probabilities, for whose rows, and how far it was drawn."""
    calibrators = read_calibrators(record["calibrator"])
    named = list(calibrators.named())
    said = "; ".join(f"{whose}: {one.summary()}" for whose, one in named)
    heading = (
        f"Calibrators by pattern: {said}" if calibrators.patterns else f"Calibrator: {named[0][1].summary()}"
    )
    fitted = ", fitted on the quantized graph on the calibration patients"
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


def _choice(choice: Mapping[str, Any] | None) -> str:
    if choice is None:
        return ""
    losses = ", ".join(f"{kind} {loss:.4f}" for kind, loss in choice["losses"].items())
    refused = "".join(f"; {kind} refused ({reason})" for kind, reason in choice["refused"].items())
    return f" The kind was chosen: {choice['rule']} (nats: {losses}{refused})."


def _band(band: Mapping[str, Any] | None) -> str:
    if band is None:
        return ""
    return (
        f" The 10 to 90 % band of MAP is {ConformalBand.from_dict(band).summary()}, fitted on the same "
        f"patients to hold {COVERAGE:.0%} of a new patient's rows, if patients are exchangeable."
    )


def _results(record: Mapping[str, Any]) -> str:
    test = record["test"]
    heading = (
        f"## Performance\n\nTest patients ({test['patients']}, {test['rows']} landmarks); 95 % "
        "intervals from 1,000 bootstrap draws of patients.\n\n"
    )
    names = ("horizon", "prevalence", *_RISK_FIGURES.values(), "ICI")
    header = f"| {' | '.join(names)} |\n{'|---' * len(names)}|\n"
    rows = "\n".join(_risk_row(minutes, figures) for minutes, figures in test["risk"].items())
    parts = [heading + header + rows, _forecast(test["forecast"]), _alarm(record["alarm"], test["alarm"])]
    return "\n\n".join([*parts, *_crossval(record.get("crossval"))])


def _forecast(figures: Mapping[str, float]) -> str:
    return (
        f"MAP to 15 min: MAE {figures['mae_mmhg']:.2f} mmHg, pinball loss x 2 "
        f"{figures['crps_mmhg']:.2f} mmHg, the 80 % band holds {figures['coverage_80']:.0%}."
    )


def _alarm(point: Mapping[str, Any], figures: Mapping[str, float]) -> str:
    return (
        f"Alarm layer: threshold {point['trigger']['p_on']:.2f} on the {point['horizon_min']} min risk, "
        "chosen on the selection patients for the highest event sensitivity within one alarm an hour. "
        f"On the test patients: {figures['events']} events, sensitivity {figures['event_sensitivity']:.0%}, "
        f"with 5 min lead {figures['sensitivity_lead_5min']:.0%}, median lead "
        f"{figures['lead_median_min']:.1f} min, {figures['alarms_per_hour']:.2f} alarms an hour "
        f"({figures['false_alarms_per_hour']:.2f} false), PPV {figures['ppv']:.0%}."
    )


def _crossval(report: Mapping[str, Any] | None) -> list[str]:
    if report is None:
        return []
    said = (
        f"Cross-validated by patient ({report['patients']} patients, {report['rows']} landmarks, 5 folds, "
        "everything learned anew in each fold), the float network of the same settings beside the "
        "comparators on the same rows; differences are paired:"
    )
    return [said, report["table"]]


def _risk_row(minutes: str, figures: Mapping[str, Any]) -> str:
    cells = [
        f"{figures[name]['value']:.3f} [{figures[name]['low']:.3f}, {figures[name]['high']:.3f}]"
        for name in _RISK_FIGURES
    ]
    return f"| {minutes} min | {figures['prevalence']:.1%} | {' | '.join(cells)} | {figures['ici']:.3f} |"


def _limits() -> str:
    return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS)


def _reproduce(record: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    options = CalibrationPlan(**record["calibration_plan"]).options()
    return (
        "## Reproduce\n\n"
        f"`barocast train bundle --out DIR{options}` with BAROCAST_COHORT set to the cohort's folder "
        f"(`barocast train crossval` for the table). Seeds are in the settings; made with {versions}."
    )
