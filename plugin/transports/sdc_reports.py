"""What sdc11073 has parsed -> the fields of our records (runtime.decoders.sdc, sdc_mdib).

Containers go in as the library gives them, told apart by their BICEPS type; what no record has a place for is
left out: above all patients, locations and whatever else names somebody.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.decoders.sdc_record import MAX_TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from barocast.runtime.decoders.sdc_record import Fields

NOMENCLATURE: Final = (None, "", "urn:oid:1.2.840.10004.1.1.1.0.0.1")
"""CodedValue/@CodingSystem of ISO/IEEE 11073-10101, which is also the implied one."""
UCUM: Final = "urn:oid:2.16.840.1.113883.6.8"


def description(descriptors: Iterable[Any]) -> Fields:
    """Give the lists of an `mdib` record but for the devices, whose mode is a state."""
    known = {one.Handle: one for one in descriptors}
    fields: Fields = {"metrics": [], "conditions": [], "signals": []}
    for one in known.values():
        name, read = _DESCRIBED.get(one.NODETYPE.localname, ("", None))
        if read is not None:
            fields[name].append({"handle": one.Handle, **read(one), "device": _device(one, known)})
    return fields


def devices(descriptors: Iterable[Any]) -> list[str]:
    """Give the handles of the MDS: each may be another patient's."""
    return [one.Handle for one in descriptors if one.NODETYPE.localname == "MdsDescriptor"]


def states(containers: Iterable[Any]) -> Fields:
    """Give the lists of a `report` record, empty ones left out."""
    fields: Fields = {}
    for one in containers:
        name, read = _STATED.get(one.NODETYPE.localname, ("", None))
        if read is not None:
            fields.setdefault(name, []).append({"handle": one.DescriptorHandle, **read(one)})
    return fields


def _device(one: Any, known: Mapping[str, Any]) -> str:  # noqa: ANN401 - the library's own containers
    for _ in known:  # no path to the root is longer than the tree
        if one.parent_handle not in known:
            break
        one = known[one.parent_handle]
    return str(one.Handle)


def _metric(one: Any) -> Fields:  # noqa: ANN401
    return {
        "place": one.parent_handle or "",
        "code": _code(one.Type),
        "unit": _code(one.Unit),
        "category": _word(one.MetricCategory, ""),
        "derivation": _word(one.DerivationMethod, ""),
    }


def _wave(one: Any) -> Fields:  # noqa: ANN401
    return _metric(one) | {"period_s": float(one.SamplePeriod or 0.0)}


def _condition(one: Any) -> Fields:  # noqa: ANN401
    texts = one.Type.ConceptDescription if one.Type is not None else ()
    return {
        "code": _code(one.Type),
        "text": next((str(text.text)[:MAX_TEXT] for text in texts if text.text), ""),
        "kind": _word(one.Kind, ""),
        "priority": _word(one.Priority, "None"),
    }


def _signal(one: Any) -> Fields:  # noqa: ANN401
    return {"condition": one.ConditionSignaled or ""}


def _code(coded: Any) -> str:  # noqa: ANN401
    """Give a coded value's 11073-10101 code, from a translation where need be, or its own with its system."""
    if coded is None:
        return ""
    for one in (coded, *coded.Translation):
        if one.CodingSystem in NOMENCLATURE:
            return str(one.Code)
    return str(coded.Code) if coded.CodingSystem == UCUM else f"{coded.CodingSystem} {coded.Code}"


def _numeric_state(one: Any) -> Fields:  # noqa: ANN401
    value = one.MetricValue
    told = _determined(one)
    return told if value is None or value.Value is None else told | {"value": float(value.Value)}


def _wave_state(one: Any) -> Fields:  # noqa: ANN401
    value = one.MetricValue
    told = _determined(one)
    if value is None or value.Samples is None:
        return told
    marks = [
        {"at": mark.SampleIndex, "code": _code(value.Annotation[mark.AnnotationIndex].Type)}
        for mark in value.ApplyAnnotation
        if mark.AnnotationIndex < len(value.Annotation)
    ]
    return (
        told | {"values": [float(sample) for sample in value.Samples]} | ({"marks": marks} if marks else {})
    )


def _determined(one: Any) -> Fields:  # noqa: ANN401
    """Give what a metric's state says of its value; without one there is none available."""
    value = one.MetricValue
    told = {"activation": _word(one.ActivationState, "On")}
    if value is None:
        return told | {"validity": "NA", "mode": "Real"}
    quality = value.MetricQuality
    told |= {"validity": _word(quality.Validity, ""), "mode": _word(quality.Mode, "Real")}
    return _timed(told, value.DeterminationTime)


def _condition_state(one: Any) -> Fields:  # noqa: ANN401
    told = {"present": bool(one.Presence), "activation": _word(one.ActivationState, "")}
    told |= {"priority": _word(one.ActualPriority, "")}
    return _timed(told, one.DeterminationTime)


def _signal_state(one: Any) -> Fields:  # noqa: ANN401
    return {"presence": _word(one.Presence, "Off"), "activation": _word(one.ActivationState, "")}


def _device_state(one: Any) -> Fields:  # noqa: ANN401
    return {"mode": _word(one.OperatingMode, "Nml")}


def _timed(told: Fields, t_s: float | None) -> Fields:
    return told if t_s is None else told | {"t": float(t_s)}


def _word(value: Any, implied: str) -> str:  # noqa: ANN401
    """Give an enumeration's word, the one that the standard implies when the attribute is absent."""
    return implied if value is None else str(value.value)


_DESCRIBED: Final[Mapping[str, tuple[str, Callable[[Any], Fields]]]] = MappingProxyType(
    {
        "NumericMetricDescriptor": ("metrics", _metric),
        "RealTimeSampleArrayMetricDescriptor": ("metrics", _wave),
        "AlertConditionDescriptor": ("conditions", _condition),
        "LimitAlertConditionDescriptor": ("conditions", _condition),
        "AlertSignalDescriptor": ("signals", _signal),
    }
)
"""BICEPS type -> list of the `mdib` record, and how to read it."""
_STATED: Final[Mapping[str, tuple[str, Callable[[Any], Fields]]]] = MappingProxyType(
    {
        "NumericMetricState": ("metrics", _numeric_state),
        "RealTimeSampleArrayMetricState": ("waves", _wave_state),
        "AlertConditionState": ("alerts", _condition_state),
        "LimitAlertConditionState": ("alerts", _condition_state),
        "AlertSignalState": ("alerts", _signal_state),
        "MdsState": ("devices", _device_state),
    }
)
"""BICEPS type -> list of the `report` record, and how to read it."""
