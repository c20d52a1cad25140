"""The bundle and what follows from it: whether it is signed, whole and right, and the delays it makes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from barocast.plugin.allowed import installed_plugins
from barocast.plugin.doctor.finding import Finding, bad, good
from barocast.plugin.engine_option import cache_of
from barocast.plugin.feeds import feed_names, find_feed, live_names
from barocast.plugin.serve import READ_S
from barocast.plugin.service.releases import Releases
from barocast.plugin.settings import EngineSettings
from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.engines import choose_engine
from barocast.runtime.errors import BundleError, SettingsError
from barocast.runtime.pipeline import EVERY_S
from barocast.runtime.timeline import CURRENT_S, MIN_VALID_SHARE, WINDOW_MIN
from barocast.runtime.trust import revoked, trusted_keys

if TYPE_CHECKING:
    from argparse import Namespace

    from barocast.plugin.service.house import House
    from barocast.runtime.bundle import Bundle


def chosen(args: Namespace, house: House | None) -> Bundle:
    """Read the bundle of the command line, else of the configuration. Raises BundleError, SettingsError."""
    model = house.box.model if house is not None and args.bundle == default_bundle() else None
    if model is None:
        return read_bundle(args.bundle, trusted_keys(args.trust).values(), revoked())
    gone = revoked(_path(model.revoked))
    directory = _path(model.bundle) or default_bundle()
    trust = _path(model.trust) or args.trust
    return read_bundle(directory, trusted_keys(trust).values(), gone)


def bundle(args: Namespace, house: House | None) -> list[Finding]:
    """Say whether the model can be believed, and disclose its delays."""
    try:
        found = chosen(args, house)
        wanted = house.box.engine if house is not None else EngineSettings()
        engine, reason = choose_engine(found, wanted.kind, 1, cache_of(wanted))
    except (BundleError, SettingsError) as error:
        return [bad("bundle", error)]
    answers = len(found.known_answers["logits"])
    text = f"{found.manifest.id}: signed, whole, {answers} known answers right on {engine.name}"
    instead = [Finding("engine", ok=False, text=reason)] if reason else []
    return [good("bundle", text), *instead, *_released(found, house), *disclosed(found, house)]


def disclosed(found: Bundle, house: House | None) -> list[Finding]:
    """Disclose what lies between a patient's fall and an alarm (ALM-07), for each bed's period."""
    every_s = {bed.settings.bed.every_s for bed in house.beds if bed.settings} if house else {EVERY_S}
    return [*dict.fromkeys(said for seconds in sorted(every_s) for said in _delays(found, seconds))]


def _delays(found: Bundle, every_s: float) -> list[Finding]:
    rules = found.manifest.alarm.trigger
    stale = ", ".join(f"{name} {find_feed(name).stale_s:g} s" for name in live_names())
    condition = (
        f"alarm condition delay: {rules.k} of {rules.n} decisions {every_s:g} s apart, so up to "
        f"{rules.k * every_s:g} s; the next one {rules.refractory_s:g} s later at the soonest"
    )
    said = (
        f"a first forecast needs {WINDOW_MIN} min with {MIN_VALID_SHARE:.0%} valid MAP",
        f"MAP counts as current for {CURRENT_S:g} s; a feed counts as lost after {stale}",
        condition,
        f"alarm signal generation delay: bytes are read every {READ_S * 1000:g} ms at the latest",
    )
    return [good("delay", text) for text in said]


def feeds() -> list[Finding]:
    """Say what can be decoded, what is dropped, and who else's code is here."""
    rule = "names, numbers and birth dates are dropped where they are read; [sinks] record keeps raw bytes"
    strangers = len(installed_plugins())
    whose = f"{strangers} of strangers; `doctor --plugins` prints them" if strangers else "none of strangers"
    return [
        good("feeds", f"decoded: {', '.join(feed_names())}"),
        good("plugins", whose),
        good("privacy", rule),
    ]


def _released(found: Bundle, house: House | None) -> list[Finding]:
    """Say whether a newer release of the same maker has run here."""
    if house is None or not house.box.storage.folder:
        return []
    try:
        Releases(Path(house.box.storage.folder)).check(found)
    except BundleError as error:
        return [Finding("bundle", ok=house.box.model.allow_older, text=str(error))]
    return [good("bundle", f"release {found.manifest.sequence}; no newer one of its maker has run here")]


def _path(name: str) -> Path | None:
    return Path(name) if name else None
