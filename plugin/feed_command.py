"""`barocast feed list` and `barocast feed check NAME`: which feeds there are, and whether one keeps its word.

    pass       garbage    in step       garbage before, inside and after 60 frames cost at most 1
    FAIL       silence    asks again    in 180 s of silence it asked not once
                          at 30.0 s into the run; let due() ask again for ever once values stay out

A check runs the feed's driver, ours or a third party's, through the conformance kit: no hardware, a simulated
clock, a fixed seed. Exit status 0 when nothing failed; what could not be tried is `not shown`.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from barocast.plugin.conformance.bench import find_bench
from barocast.plugin.conformance.check import checks_for, examine
from barocast.plugin.conformance.subject import make_subject
from barocast.plugin.conformance.verdict import Grade
from barocast.plugin.feeds import feed_names, find_feed
from barocast.plugin.output_file import open_output
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Mapping

    from barocast.plugin.conformance.check import Report
    from barocast.plugin.conformance.subject import Subject
    from barocast.plugin.conformance.verdict import Finding

HELP: Final = "List the feeds, or check that a feed's driver keeps its contract."
SEED: Final = 20260302
"""Any number: the same one each time finds the same."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("action", choices=_ACTIONS, help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help=f"check: one of {', '.join(feed_names())}")
    parser.add_argument(
        "--recording", type=Path, metavar="FILE", help="check: bytes of a real device, or a .brec of ours"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="check: write the report as JSON, too")
    parser.add_argument("--seed", type=int, default=SEED, help=f"check: of every trial (default {SEED})")


def run(args: Namespace) -> int:
    """Do what was asked; 1 when a check failed. Raises SettingsError and InputError."""
    return _ACTIONS[args.action](args)


def _list(args: Namespace) -> int:
    del args
    for name in feed_names():
        feed = find_feed(name)
        bench = "virtual monitor" if find_bench(name).monitor is not None else "no virtual monitor"
        heard = f"{', '.join(feed.schemes)}; stale after {feed.stale_s:g} s" if feed.session else "files only"
        print(f"{name:<20}{heard}; {bench}")
    return 0


def _check(args: Namespace) -> int:
    if args.name is None:
        raise SettingsError(f"feed check: name one of {', '.join(feed_names())}")
    if args.seed < 0:
        raise SettingsError(f"--seed {args.seed}: must be 0 or more")
    feed = find_feed(args.name)
    if feed.name != args.name:
        raise SettingsError(
            f"feed {args.name!r}: calls itself {feed.name!r}; give the Feed and its entry point one name"
        )
    subject = make_subject(feed, find_bench(args.name), args.seed, args.recording)
    size = f"{len(subject.recording):,} bytes, " if subject.recording else ""
    print(f"{feed.name}: recording: {size}{subject.source}; seed {args.seed}")
    report = _examined(subject)
    if args.json is not None:
        with open_output(args.json) as out:
            out.write(json.dumps(report.as_json(), indent=1) + "\n")
    print(_summary(report))
    return 1 if report.grade == "fails" else 0


def _examined(subject: Subject) -> Report:
    """Examine, with a progress bar on the terminal's error stream; each finding is printed as it comes."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} of {task.total}"))
    bar = Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("checks", total=len(checks_for(subject)))

        def tell(finding: Finding) -> None:
            bar.advance(task)
            print(_shown(finding))

        return examine(subject, tell)


def _shown(finding: Finding) -> str:
    grade = finding.grade.value.upper() if finding.grade is Grade.FAIL else finding.grade.value
    first = f"{grade:<11}{finding.part:<11}{finding.name:<16}{finding.evidence}"
    if not finding.mend:
        return first
    place = f"at {finding.place}; " if finding.place else ""
    return f"{first}\n{'':<22}{place}{finding.mend}"


def _summary(report: Report) -> str:
    counted = Counter(finding.grade.value for finding in report.findings)
    said = ", ".join(f"{counted[grade.value]} {grade.value}" for grade in Grade if counted[grade.value])
    return f"{report.feed} {report.grade}: {said}"


_ACTIONS: Final[Mapping[str, Callable[[Namespace], int]]] = {"list": _list, "check": _check}
