"""`barocast train ablate`: the ledger of what each part of the teacher is worth (export.ledger)."""

from __future__ import annotations

import json
import shlex
import sys
from argparse import Namespace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.export.commands.cohort_folder import find_cohort, settle
from barocast.export.commands.courses import add_course_arguments, course_of

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable

    from barocast.export.course.settings import Course

PLACES: Final = ("--cohort", "--work", "--out")
HELP: Final = "the ledger: the teacher with each of its parts left out, paired"


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--out", type=Path, required=True, help="folder of ledger.md and ledger.json")
    parser.add_argument("--arm", action="append", default=[], help="only this arm; may be given again")
    parser.add_argument("--paper-steps", type=int, help="batches of 8 rows for the paper's preset")
    parser.add_argument("--every", type=int, default=1, help="judge every n-th landmark of a fold")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    add_course_arguments(parser)


def run(args: Namespace, say: Callable[[str], None]) -> int:
    """Teach and judge every arm; give the exit status."""
    cohort = find_cohort(args)
    settle(args)
    from barocast.export.crossval import cross_validate, folds  # noqa: PLC0415 with torch
    from barocast.export.ledger.account import account, try_all  # noqa: PLC0415
    from barocast.export.ledger.arms import arms  # noqa: PLC0415
    from barocast.export.ledger.page import page  # noqa: PLC0415
    from barocast.export.ledger.picture import ledger_svg  # noqa: PLC0415
    from barocast.export.ledger.trial import Trials  # noqa: PLC0415
    from barocast.export.recipe import Recipe, read_material  # noqa: PLC0415

    base, paper, material = course_of(args), paper_course(args), read_material(cohort, args.work)
    trials = Trials(material, folds(material.cases), args.every, args.work, 1, say)
    judged, verdicts = try_all(arms(base, paper, args.arm), trials, args.jobs)
    pooled = cross_validate(material, Recipe(), args.work, say).at(judged)
    found = account(pooled.rows, pooled.subjects, verdicts, pooled.scores)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "ledger.json").write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    text = page(found, base, args.every, f"barocast {shlex.join(_without_places(sys.argv[1:]))}")
    (args.out / "ledger.md").write_text(text, "utf-8")
    (args.out / "ledger.svg").write_text(ledger_svg(found), "utf-8")
    print(text)
    return 0


def paper_course(args: Namespace) -> Course:
    """Give the paper's preset: `--steps` and `--batch` are our teacher's, `--paper-steps` is its own."""
    return course_of(Namespace(**{**vars(args), "steps": args.paper_steps, "batch": None}), "paper")


def _without_places(words: list[str]) -> list[str]:
    """Leave out folders: they change no figure."""
    return [word for before, word in pairwise(["", *words]) if before not in PLACES and word not in PLACES]
