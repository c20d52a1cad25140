"""The bedside's configuration: TOML text to frozen values, checked once, unknown keys refused.

    [feed]
    kind = "intellivue-serial"                       # one of feeds.live_names()
    address = "serial:///dev/ttyUSB0?baud=115200"    # transports/addresses.py lists the forms
    demographics = "drop" | "age-sex-size"           # what may be read of the patient; the default drops all

    [feed.tls]       certificate, key, ca (PEM files), peer, mutual = true | false; with tls://, tls-listen://
                     and sdcs://
    [bed]            name, patient (JSON file), every_s
    [alarm]          priority = "advisory" | "medium", escalate_at (risk), alarm_pause_max_s,
                     silent = true | false (a trial, told to nobody)
    [model]          bundle (directory), trust, revoked (JSON files of keys), allow_older = true | false,
                     threads (1 to MAX_THREADS), status (status.json of `barocast validate --from-log`)
    [engine]         kind = "cpu" | "cuda" | "tensorrt" | a third party's, cache (directory of built plans)
    [sinks]          terminal = true | false, sound_device = "hw:0", log = "decisions.jsonl",
                     record = "folder", others = ["name of a third party's sink"]
    [sinks.NAME]     the keys of that way out (sinks/way_out.py): `mqtt`, `pcd04`, `relay`, ...
    [screen]         address = "127.0.0.1:8520", token (file), certificate, key (PEM files)
    [storage]        folder, quota_mb, waves_h, log_days, keep_notes = true | false
    [plugins]        allow = ["name==version sha256:..."]    strangers' packages that may be loaded

Only [feed] is needed. Raises SettingsError with the file, the key and the nearest key that exists.
"""

from __future__ import annotations

import difflib
import sys
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, get_origin, get_type_hints

from barocast.plugin.allowed import check_allowed, check_lines
from barocast.plugin.feeds import GROUP as MONITORS
from barocast.plugin.feeds import feed_names, find_feed, live_names
from barocast.plugin.migrate import migrate
from barocast.plugin.sinks.sink import GROUP as SINKS
from barocast.plugin.sinks.way_out import way_out
from barocast.plugin.transports.addresses import check_address
from barocast.plugin.transports.credentials import Credentials
from barocast.runtime.alarm.rules import ALARM_PAUSE_S, forecast_priority
from barocast.runtime.engine_kinds import CPU, check_kind
from barocast.runtime.engine_kinds import GROUP as ENGINES
from barocast.runtime.errors import SettingsError
from barocast.runtime.pipeline import LONGEST_EVERY_S

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_THREADS: Final = 64
"""More only fight over the cores of one box."""


LEAST_QUOTA_MB: Final = 64
"""A week's alarm log and the cases of a day."""
OF_THE_BOX: Final = ("screen", "storage", "model", "engine", "plugins")
"""Sections that the beds of a folder share."""
DROP: Final = "drop"
DEMOGRAPHICS: Final = (DROP, "age-sex-size")
"""What is read of the patient's description: nothing; age in years, sex, height, weight. Never a name."""


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Where the data come from."""

    kind: str
    """One of feeds.live_names()."""
    address: str
    """As transports/addresses.py reads it."""
    demographics: str = "drop"
    """One of DEMOGRAPHICS."""
    tls: Credentials = field(default_factory=Credentials)
    """What a TLS address shows and believes; nothing for the others."""


@dataclass(frozen=True, slots=True)
class BedSettings:
    """Who lies there."""

    name: str = "bed"
    patient: str = ""
    """Path of the JSON file; empty: nothing is known of the patient."""
    every_s: float = 30.0
    """Seconds between two decisions."""


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """What the site may choose; thresholds come from the bundle."""

    priority: str = "advisory"
    """`advisory` or `medium`; a forecast is never `high`."""
    escalate_at: float = 0.0
    """Risk from which an advisory becomes medium at once; 0: never."""
    alarm_pause_max_s: float = ALARM_PAUSE_S
    """Longest alarm pause that may be asked for."""
    silent: bool = False
    """A silent trial: all runs and is logged, nothing sounds, no forecast is shown."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which bundle, trusted by whom."""

    bundle: str = ""
    """Directory; empty: the embedded one."""
    trust: str = ""
    """JSON file of further public keys."""
    revoked: str = ""
    """JSON file of keys and bundles that are believed no longer."""
    allow_older: bool = False
    """Whether a bundle may be older than one that has run here."""
    status: str = ""
    """status.json of `barocast validate --from-log`; empty: nobody judges the forecasts."""
    threads: int = 1
    """Of the inference engine, 1 to MAX_THREADS."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What runs the model."""

    kind: str = CPU
    """One of runtime.engine_kinds; where it cannot be had, the CPU runs it and the box says why."""
    cache: str = ""
    """Directory of the plans that were built on this box; empty: engine_kinds.engine_cache()."""


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """Where alarms and decisions go."""

    terminal: bool = True
    sound_device: str = ""
    """ALSA device, or `wav:DIR`; empty: no sound. Never guessed: a default device may have no loudspeaker."""
    log: str = ""
    """JSON-lines file of every decision; empty: none."""
    record: str = ""
    """Folder for the raw bytes of the feed (recorder.py); empty: nothing is recorded."""
    others: tuple[str, ...] = ()
    """Names of entry points of the group `barocast.sinks`: a third party's ways out, without keys."""


@dataclass(frozen=True, slots=True)
class ScreenSettings:
    """The page that a browser shows."""

    address: str = ""
    """HOST:PORT; empty: no page. Beyond this box only with a token and a certificate."""
    token: str = ""
    """File that holds the bearer token which acts need; empty: whoever sees the page may act."""
    certificate: str = ""
    """PEM file, for https."""
    key: str = ""
    """PEM file of the certificate's private key."""


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """What is kept, where, and for how long."""

    folder: str = ""
    """For the alarm and audit log, cases and recordings; empty: nothing is kept."""
    quota_mb: int = 2048
    """Most megabytes that the folder may take."""
    keep_notes: bool = False
    """Whether free-text notes are written to disk; they may name a person."""
    waves_h: float = 72.0
    """Hours after which recordings and cases are deleted."""
    log_days: float = 90.0
    """Days after which rows of the alarm log are deleted, the 10,000 newest never."""


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """Whose code may run beside ours."""

    allow: tuple[str, ...] = ()
    """`name==version sha256:...` of each package (allowed.py); others are not loaded."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole file."""

    feed: FeedSettings
    bed: BedSettings = field(default_factory=BedSettings)
    alarm: AlarmSettings = field(default_factory=AlarmSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    sinks: SinkSettings = field(default_factory=SinkSettings)
    screen: ScreenSettings = field(default_factory=ScreenSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    plugins: PluginSettings = field(default_factory=PluginSettings)
    ways_out: Mapping[str, Any] = field(default_factory=dict)
    """[sinks.NAME] -> what that way out's own settings class made of the table."""


_SECTIONS: Final[Mapping[str, type]] = MappingProxyType(
    {
        "feed": FeedSettings,
        "bed": BedSettings,
        "alarm": AlarmSettings,
        "model": ModelSettings,
        "engine": EngineSettings,
        "sinks": SinkSettings,
        "screen": ScreenSettings,
        "storage": StorageSettings,
        "plugins": PluginSettings,
    }
)


def read_settings(path: Path) -> Settings:
    """Read the configuration file of one bed."""
    return parse_tables(current_tables(path), str(path))


def parse_settings(text: str, name: str) -> Settings:
    """Parse a configuration; `name` is how errors call it."""
    return parse_tables(_tables(text, name), name)


def load_tables(path: Path) -> dict[str, Any]:
    """Read a file's TOML as it stands."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); name a TOML file") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8") from error
    return _tables(text, str(path))


def current_tables(path: Path) -> dict[str, Any]:
    """Read a file's TOML; one of an earlier version as today's would say it (migrate)."""
    return migrate(load_tables(path), str(path))[0]


def parse_box(tables: dict[str, Any], name: str) -> dict[str, Any]:
    """Give section -> settings of what several beds share (OF_THE_BOX)."""
    shared = {key: _SECTIONS[key] for key in OF_THE_BOX}
    for table in tables:
        _known(table, shared, f"{name}: [{table}]")
    sections = {key: _section(kind, tables.get(key, {}), f"{name}: [{key}]") for key, kind in shared.items()}
    _check_box(sections, name)
    return sections


def _tables(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name}: not TOML: {error}") from error
    except RecursionError as error:
        raise SettingsError(f"{name}: not a configuration: nested too deeply") from error


def parse_tables(
    tables: dict[str, Any], name: str, shared: Mapping[str, Any] = MappingProxyType({})
) -> Settings:
    """Make a bed's settings of its tables; `shared` are sections that stand elsewhere (`parse_box`)."""
    for table in tables:
        _known(table, _SECTIONS, f"{name}: [{table}]")
    ways_out, plain = _without_ways_out(tables)
    own = {key: _section(kind, plain.get(key, {}), f"{name}: [{key}]") for key, kind in _SECTIONS.items()}
    sections = {**own, **shared}
    _check_strangers(sections, ways_out, name)
    opened = {key: _way_out(key, table, f"{name}: [sinks.{key}]") for key, table in ways_out.items()}
    settings = Settings(**sections, ways_out=opened)
    _check(settings, name)
    _check_box(sections, name)
    return settings


def _without_ways_out(tables: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the tables within [sinks], and all tables without them."""
    sinks = tables.get("sinks", {})
    if not isinstance(sinks, dict):
        return {}, dict(tables)
    named = {key: table for key, table in sinks.items() if isinstance(table, dict)}
    return named, {**tables, "sinks": {key: value for key, value in sinks.items() if key not in named}}


def _check_strangers(sections: Mapping[str, Any], ways_out: Mapping[str, Any], name: str) -> None:
    """Ask for every plugin that the file names, before any is loaded."""
    allow = sections["plugins"].allow
    try:
        check_lines(allow)
        check_allowed(MONITORS, sections["feed"].kind, allow)
        check_allowed(ENGINES, sections["engine"].kind, allow)
        for sink in (*sections["sinks"].others, *ways_out):
            check_allowed(SINKS, sink, allow)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from error


def _way_out(key: str, table: dict[str, Any], place: str) -> Any:  # noqa: ANN401 - the way out's own class
    try:
        return _section(way_out(key).settings, table, place)
    except SettingsError as error:
        said = str(error)
        raise SettingsError(said if said.startswith(place) else f"{place}: {said}") from error


def _section(kind: type, table: object, place: str) -> Any:  # noqa: ANN401 - one of the section classes
    if not isinstance(table, dict):
        raise SettingsError(f"{place}: must be a table, as [section]")
    hints, values = get_type_hints(kind), {}
    for key, value in table.items():
        _known(key, hints, f"{place} {key}")
        values[key] = _value(value, hints[key], place, key)
    missing = [f.name for f in fields(kind) if f.name not in table and _needed(f)]
    if missing:
        raise SettingsError(f"{place} {missing[0]}: is needed; see docs/configuration.md")
    return kind(**values)


def _needed(key: Field[Any]) -> bool:
    return key.default is MISSING and key.default_factory is MISSING


def _value(value: object, kind: Any, place: str, key: str) -> object:  # noqa: ANN401 - a type, as below
    if isinstance(kind, type) and is_dataclass(kind):
        return _section(kind, value, f"{place[:-1]}.{key}]")
    _typed(value, kind, f"{place} {key}")
    return tuple(value) if isinstance(value, list) else value


def _typed(value: object, kind: Any, place: str) -> None:  # noqa: ANN401 - a type, as get_type_hints gives it
    if get_origin(kind) is tuple:
        if not (isinstance(value, list) and all(isinstance(entry, str) for entry in value)):
            raise SettingsError(f'{place}: must be a list of texts, as ["one", "two"], not {value!r}')
        return
    right = isinstance(value, kind) or (kind is float and isinstance(value, int))
    if not right or (isinstance(value, bool) and kind is not bool):
        raise SettingsError(f"{place}: must be a {kind.__name__}, not {value!r}")


def _known(key: str, known: Mapping[str, Any], place: str) -> None:
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
        raise SettingsError(f"{place}: unknown; the nearest is {near[0]!r}")


def _check(settings: Settings, name: str) -> None:
    if settings.feed.kind not in feed_names() or find_feed(settings.feed.kind).session is None:
        raise SettingsError(
            f"{name}: [feed] kind: {settings.feed.kind!r} is not one of {', '.join(live_names())}"
        )
    if not 1 <= settings.bed.every_s <= LONGEST_EVERY_S:
        raise SettingsError(f"{name}: [bed] every_s: must be 1 to {LONGEST_EVERY_S:g} s")
    if settings.alarm.silent and not settings.sinks.log:
        raise SettingsError(f"{name}: [alarm] silent: a trial that keeps nothing; name a file in [sinks] log")
    _check_demographics(settings.feed, f"{name}: [feed] demographics")
    schemes = find_feed(settings.feed.kind).schemes
    try:
        check_address(settings.feed.address, settings.feed.tls)
        forecast_priority(settings.alarm.priority)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from error
    if settings.feed.address.split("://")[0] not in schemes:
        ways = " or ".join(f"{scheme}://" for scheme in schemes)
        raise SettingsError(f"{name}: [feed] address: {settings.feed.kind} is heard on {ways}")


def _check_box(sections: Mapping[str, Any], name: str) -> None:
    model, storage = sections["model"], sections["storage"]
    check_kind(sections["engine"].kind, f"{name}: [engine] kind")
    if not 1 <= model.threads <= MAX_THREADS:
        raise SettingsError(f"{name}: [model] threads: must be 1 to {MAX_THREADS}")
    if storage.quota_mb < LEAST_QUOTA_MB:
        raise SettingsError(f"{name}: [storage] quota_mb: must be at least {LEAST_QUOTA_MB}")
    if not (storage.waves_h > 0 and storage.log_days > 0):
        raise SettingsError(f"{name}: [storage] waves_h and log_days: must be above 0")


def _check_demographics(feed: FeedSettings, place: str) -> None:
    if feed.demographics not in DEMOGRAPHICS:
        raise SettingsError(f"{place}: {feed.demographics!r} is not one of {', '.join(DEMOGRAPHICS)}")
    if feed.demographics != DROP and find_feed(feed.kind).describer is None:
        raise SettingsError(f"{place}: {feed.kind} tells none; leave it out, and name a [bed] patient file")
