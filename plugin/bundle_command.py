"""`barocast bundle inspect|verify|sign|build DIR`: what a bundle is, whether it may be used, and readying it.

`build` makes the TensorRT plans of this machine, when the bundle is installed: a service at the bedside never
builds (runtime.tensorrt.plans).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.runtime.bundle import Bundle, default_bundle, read_bundle, sign
from barocast.runtime.engine_kinds import engine_cache
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import BundleError, EngineUnavailable, SettingsError
from barocast.runtime.tensorrt.cache import PlanCache
from barocast.runtime.tensorrt.engine import TensorRtEngine
from barocast.runtime.tensorrt.plans import build_plans, this_machine
from barocast.runtime.trust import revoked, trusted_keys

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Mapping

HELP: Final = "Inspect, verify or sign a model bundle, or build its TensorRT engines."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("action", choices=_ACTIONS, help="what to do with the bundle")
    parser.add_argument("directory", type=Path, nargs="?", default=default_bundle(), metavar="DIR")
    parser.add_argument("--trust", type=Path, help="JSON file of further public keys to trust")
    parser.add_argument("--key", type=Path, help="sign: Ed25519 private key, PEM")
    parser.add_argument("--cache", type=Path, help="build: folder of the engines (default: the service's)")


def run(args: Namespace) -> int:
    """Do what was asked; raises BundleError or SettingsError."""
    return _ACTIONS[args.action](args)


def _inspect(args: Namespace) -> int:
    bundle = _read(args)
    for name, text in _facts(bundle):
        print(f"{name:<14}{text}")
    return 0


def _verify(args: Namespace) -> int:
    bundle = _read(args)
    engine = OrtEngine(bundle)
    answers = len(bundle.known_answers["logits"])
    print(f"{bundle.manifest.id}: signed, whole, and {answers} known answers right on {engine.name}")
    return 0


def _sign(args: Namespace) -> int:
    if args.key is None:
        raise SettingsError(
            "bundle sign: name the private key with --key FILE (`openssl genpkey -algorithm ed25519`)"
        )
    try:
        pem = args.key.read_bytes()
    except OSError as error:
        raise SettingsError(f"{args.key}: cannot be read ({error.strerror}); name the private key") from error
    print(f"{args.directory}: signed; public key {sign(args.directory, pem).hex()}")
    return 0


def _build(args: Namespace) -> int:
    bundle, folder = _read(args), args.cache or engine_cache()
    try:
        build_plans(bundle, this_machine(), PlanCache(folder), _say, time.monotonic)
        engine = TensorRtEngine(bundle, folder)
    except (BundleError, EngineUnavailable) as reason:
        print(f"{bundle.manifest.id}: no TensorRT ({reason}); ONNX Runtime will be used", file=sys.stderr)
        return 1
    engine.close()
    print(f"{bundle.manifest.id}: known answers right on {engine.name}")
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


def _read(args: Namespace) -> Bundle:
    return read_bundle(args.directory, trusted_keys(args.trust).values(), revoked())


def _facts(bundle: Bundle) -> list[tuple[str, str]]:
    manifest = bundle.manifest
    event, alarm = manifest.event, manifest.alarm
    return [
        ("id", f"{manifest.id} (release {manifest.sequence})"),
        ("intended use", manifest.intended_use),
        ("event", f"MAP < {event.below_mmhg:g} mmHg for {event.lasting_s:g} s or longer"),
        ("channels", ", ".join(manifest.channels)),
        ("window", f"{manifest.window_min:g} min, one column per {manifest.step_s:g} s"),
        ("horizons", ", ".join(f"{minutes} min" for minutes in manifest.horizons_min)),
        (
            "alarm",
            f"risk at {alarm.horizon_min} min >= {alarm.trigger.p_on:.3f}, off < {alarm.trigger.p_off:.3f}",
        ),
        ("graphs", ", ".join(f"{name} {len(graph):,} bytes" for name, graph in bundle.graphs.items())),
        ("vocabulary", f"{len(bundle.tokenizer.vocabulary):,} pieces"),
        *(("calibrator", f"{whose}: {one.summary()}") for whose, one in bundle.calibrators.named()),
        ("MAP band", bundle.band.summary() if bundle.band else "the graph's own quantiles"),
    ]


_ACTIONS: Mapping[str, Callable[[Namespace], int]] = {
    "inspect": _inspect,
    "verify": _verify,
    "sign": _sign,
    "build": _build,
}
