"""`barocast case`: admit, describe, discharge and sum up a case, at the running service or from a log.

admit, describe --patient FILE      discharge      show      summary --out FILE.html      at the service
summary --log FILE.jsonl --out FILE.html                                                  without one
show --text --patient FILE          the patient's text as the model reads it              without one
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.cases.case import patient_fields
from barocast.plugin.cases.decision_log import read_decision_log
from barocast.plugin.cases.facts import About, CaseFacts
from barocast.plugin.cases.prompt_sections import prompt_text
from barocast.plugin.cases.screen_client import ADDRESS, ScreenClient
from barocast.plugin.cases.summary import summary_page
from barocast.plugin.clock import wall_time
from barocast.plugin.loaded_bundle import add_bundle_arguments, load_bundle
from barocast.plugin.output_file import open_output
from barocast.plugin.patient_option import add_patient_argument, read_patient
from barocast.runtime.errors import InputError, SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Mapping

    from barocast.plugin.cases.decision_log import LoggedCase
    from barocast.runtime.domain import Patient

HELP: Final = "Admit, describe and discharge a patient, and sum up a case on one page."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("action", choices=ACTIONS, help="what to do")
    add_patient_argument(parser)
    parser.add_argument(
        "--screen", default=ADDRESS, metavar="URL", help=f"of the service (default {ADDRESS})"
    )
    parser.add_argument("--bed", default="", metavar="SLUG", help="which bed, where the service has several")
    parser.add_argument("--token", type=Path, metavar="FILE", help="file that holds the screen's token")
    parser.add_argument(
        "--ca", type=Path, metavar="FILE", help="PEM file of who signed the screen's certificate"
    )
    parser.add_argument("--log", type=Path, metavar="FILE.jsonl", help="sum up a decision log or a kept case")
    parser.add_argument("--case", type=int, metavar="N", help="which case of the log (default: the last)")
    parser.add_argument("--title", default="", help="of a log's page, as the bed's name")
    parser.add_argument("--simulated", action="store_true", help="say on a log's page that nobody is real")
    parser.add_argument("--out", type=Path, metavar="FILE.html", help="where the page goes (default: stdout)")
    parser.add_argument("--text", action="store_true", help="with show: the text of --patient for the model")
    add_bundle_arguments(parser)


def run(args: Namespace) -> int:
    """Do it; give the exit status."""
    ACTIONS[args.action](args)
    return 0


def _admit(args: Namespace) -> None:
    _service(args).act(args.action, {"patient": _told(args)})


def _discharge(args: Namespace) -> None:
    _service(args).act("discharge", {})


def _show(args: Namespace) -> None:
    if args.text:
        for line in prompt_text(_patient(args), load_bundle(args)).lines():
            print(line)
        return
    case = _service(args).state()["case"]
    if case is None:
        print("no case is open")
        return
    print(f"case {case['id']}, admitted {case['admitted']}")
    for section in case["sections"]:
        print(f"{section['name']}: {section['text']}")


def _summary(args: Namespace) -> None:
    page = summary_page(_logged(args)) if args.log else _service(args).summary()
    with open_output(args.out) as out:
        out.write(page)


def _logged(args: Namespace) -> CaseFacts:
    """Give a log's case. The threshold is told where the bundle at hand is the one that decided."""
    cases = read_decision_log(args.log)
    number = len(cases) if args.case is None else args.case
    if not 1 <= number <= len(cases):
        raise SettingsError(f"--case {number}: {args.log} holds {len(cases)}, counted from 1")
    if len(cases) > 1:
        print(f"{args.log}: case {number} of {len(cases)}", file=sys.stderr)
    found = cases[number - 1]
    about = found.about or _about(args, found)
    return CaseFacts(found.case, found.journal.course(), about, wall_time(), found.unread)


def _about(args: Namespace, found: LoggedCase) -> About:
    manifest = load_bundle(args).manifest
    title = args.title or args.log.name
    if manifest.id != found.bundle:
        print(
            f"{args.log}: decided by {found.bundle}; name it with --bundle for its threshold", file=sys.stderr
        )
        return About(title, found.bundle, simulated=args.simulated)
    point = manifest.alarm
    return About(title, found.bundle, point.horizon_min, point.trigger.p_on, simulated=args.simulated)


def _service(args: Namespace) -> ScreenClient:
    return ScreenClient(args.screen, args.bed, _token(args.token), args.ca)


def _token(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"--token {path}: cannot be read; name the file that [screen] token names"
        ) from error


def _patient(args: Namespace) -> Patient:
    if args.patient is None:
        raise SettingsError(f"{args.action}: name the patient's file with --patient")
    return read_patient(args.patient)


def _told(args: Namespace) -> dict[str, Any]:
    return patient_fields(_patient(args))


ACTIONS: Final[Mapping[str, Callable[[Namespace], None]]] = {
    "admit": _admit,
    "describe": _admit,
    "discharge": _discharge,
    "show": _show,
    "summary": _summary,
}
