"""What `train teacher` and `train ablate` both take: a preset, and what of it is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from barocast.export.commands.cohort_folder import add_training_arguments

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from barocast.export.course.settings import Course

PRESETS = ("small", "full", "paper")
STEPS = ("text", "patch", "straight")


def add_course_arguments(parser: ArgumentParser) -> None:
    """Add preset and changes."""
    parser.add_argument("--preset", choices=PRESETS, default="small")
    parser.add_argument(
        "--trunk", help="language model: smollm2, random, none, a folder, or a Hugging Face id"
    )
    parser.add_argument("--layers", type=int, help="of the language model, its first ones")
    parser.add_argument("--mode", choices=("frozen", "text-only", "joint"), help="what of it is tuned")
    parser.add_argument("--steps", type=int, help="batches of the last stage")
    parser.add_argument("--batch", type=int, help="rows in each of them")
    parser.add_argument(
        "--precision", choices=("no", "bf16", "fp16"), help="bf16 is faster where the machine knows it"
    )
    parser.add_argument("--made", choices=("none", "paper", "falls"), help="windows by diffusion")
    for stage in STEPS:
        parser.add_argument(
            f"--{stage}-steps", type=int, help=f"batches of the stage `{stage}`; 0 leaves it out"
        )
    add_training_arguments(parser)


def course_of(args: Namespace, preset: str | None = None) -> Course:
    """Give the preset's course with what the command line changes. Raises SettingsError."""
    from barocast.export.course.settings import COURSES  # noqa: PLC0415 with torch
    from barocast.export.fusion.paper import PaperSettings  # noqa: PLC0415 with torch

    course = COURSES[preset or args.preset]
    if isinstance(course.network, PaperSettings):
        network: Any = replace(
            course.network,
            **_given(trunk=args.trunk, layers=None if args.layers is None else (args.layers,) * 3),
        )
    else:
        network = replace(course.network, **_given(trunk=args.trunk, layers=args.layers, mode=args.mode))
    lesson = replace(course.lesson, **_given(steps=args.steps, batch=args.batch, seed=args.seed))
    stages = (
        {}
        if isinstance(network, PaperSettings)
        else {f"{s}_steps": getattr(args, f"{s}_steps") for s in STEPS}
    )
    changed = _given(precision=args.precision, made=args.made, **stages)
    return replace(course, network=network, lesson=lesson, seed=args.seed, **changed)


def _given(**settings: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of any type
    return {name: value for name, value in settings.items() if value is not None}
