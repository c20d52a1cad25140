"""The bundle that a command works with: the embedded default, or the one named with --bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from barocast.runtime.bundle import Bundle, default_bundle, read_bundle
from barocast.runtime.trust import revoked, trusted_keys

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_bundle_arguments(parser: ArgumentParser) -> None:
    """Add --bundle and --trust."""
    parser.add_argument(
        "--bundle", type=Path, default=default_bundle(), help="bundle directory (default: the embedded one)"
    )
    parser.add_argument("--trust", type=Path, help="JSON file of further public keys to trust")


def load_bundle(args: Namespace) -> Bundle:
    """Read and verify the bundle of a command line. Raises BundleError, SettingsError."""
    return read_bundle(args.bundle, trusted_keys(args.trust).values(), revoked())
