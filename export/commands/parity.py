"""`barocast export parity`: whether every way to run a network says the same, as a page and as figures."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.export.commands.cohort_folder import COHORT_VARIABLE, WORK, settle
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from barocast.export.packing.parent import Parent
    from barocast.export.parity.kinds import Kind
    from barocast.export.parity.study import Study
    from barocast.runtime.bundle import Bundle

HELP: Final = "compare torch, ONNX in float and int8, and TensorRT, on windows of every kind"


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--from", dest="source", type=Path, required=True, help="the checkpoint's folder")
    parser.add_argument("--bundle", type=Path, required=True, help="the bundle that was made of it")
    parser.add_argument("--trust", type=Path, help="JSON file of further public keys to trust")
    parser.add_argument(
        "--cohort", type=Path, help=f"compare on its rows too (default: ${COHORT_VARIABLE}, else none)"
    )
    parser.add_argument("--work", type=Path, default=WORK, help="folder for rows that a later run can reuse")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    parser.add_argument("--out", type=Path, required=True, help="folder of parity.md and parity.json")


def run(args: Namespace, say: Callable[[str], None]) -> int:
    """Compare; give the exit status: 1 where a limit is broken."""
    cohort = _cohort(args)
    settle(args)
    from barocast.export.checkpoint import read_student  # noqa: PLC0415 with torch, below
    from barocast.export.graphs.to_onnx import to_onnx  # noqa: PLC0415
    from barocast.export.packing.parent import of_student  # noqa: PLC0415
    from barocast.export.parity.study import Subject, study  # noqa: PLC0415
    from barocast.runtime.bundle import read_bundle  # noqa: PLC0415
    from barocast.runtime.trust import revoked, trusted_keys  # noqa: PLC0415

    bundle = read_bundle(args.bundle, trusted_keys(args.trust).values(), revoked())
    student = read_student(args.source)
    parent = of_student(student)
    kinds = _kinds(args.work, cohort, parent, bundle, say)
    found = study(Subject(student.model, parent, to_onnx(parent.split), bundle), kinds, say)
    _write(args.out, found)
    say(f"{args.out / 'parity.md'}: {'within the limits' if found.holds else 'a limit is broken'}")
    return int(not found.holds)


def _kinds(
    work: Path, cohort: Path | None, parent: Parent, bundle: Bundle, say: Callable[[str], None]
) -> list[Kind]:
    from barocast.export.parity.kinds import cohort_kinds, made_kinds  # noqa: PLC0415 as above
    from barocast.export.recipe import read_material  # noqa: PLC0415
    from barocast.runtime.prompt import describe  # noqa: PLC0415
    from barocast.runtime.tokens import text_ids  # noqa: PLC0415

    made = made_kinds(bundle.manifest.channels, lambda patient: text_ids(describe(patient), bundle.tokenizer))
    if cohort is None:
        say("no cohort: made windows only")
        return made
    material = read_material(cohort, work, stretched=False)
    say(f"{len(material.cases)} cases, {len(material.rows)} rows")
    return [*cohort_kinds(material.rows, parent.texts_of(material.cases)), *made]


def _cohort(args: Namespace) -> Path | None:
    """Give the cohort's folder where one is named. Raises SettingsError: it is not there."""
    named = args.cohort or os.environ.get(COHORT_VARIABLE)
    if named is None:
        return None
    if not Path(named).is_dir():
        raise SettingsError(f"{named}: no cohort there; name its folder with --cohort, or leave it out")
    return Path(named)


def _write(out: Path, found: Study) -> None:
    from barocast.export.parity.page import page  # noqa: PLC0415 with torch, above
    from barocast.export.validation.written import plain  # noqa: PLC0415

    told = ", ".join(f"{name} {version(name)}" for name in ("torch", "onnxruntime", "numpy"))
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, {told}"
    text = page(found, "barocast export parity", machine)
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "parity.md").write_text(text, encoding="utf-8")
        figures = json.dumps(plain(found.to_dict()), indent=1)
        (out / "parity.json").write_text(figures + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"--out {out}: cannot be written ({error.strerror}); name another") from error
