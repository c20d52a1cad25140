"""The shipped bundle on the oldest libraries that a box may have, and on the newest.

    python -m benchmarks.oldest [--bundle DIR] [--trust FILE]

writes benchmarks/oldest.md. In a fresh environment of each pair of versions: a stranger's script
(docs/stranger.py) with nothing but these two, then barocast itself, installed there, reads, verifies and asks
every known answer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.bundle import default_bundle
from benchmarks import machine

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = Path(__file__).with_name("oldest.md")
STRANGER: Final = ROOT / "docs" / "stranger.py"
PAIRS: Final = (
    ("oldest", ("onnxruntime==1.23.2", "numpy==2.2.6")),
    ("newest", ("onnxruntime", "numpy")),
)
"""The first are the last that have wheels for JetPack 6's Python 3.10 on aarch64."""
ASK: Final = """
import json, sys, time
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
import numpy as np
from barocast.runtime.bundle import read_bundle
from barocast.runtime.domain import ModelInput
from barocast.runtime.engines import OrtEngine
from barocast.runtime.trust import trusted_keys
begun = time.perf_counter()
bundle = read_bundle(Path(sys.argv[1]), trusted_keys(Path(sys.argv[2]) if sys.argv[2] else None).values())
engine = OrtEngine(bundle)
took_s, known = time.perf_counter() - begun, bundle.known_answers
p, mmhg = [], []
for row in range(len(known["logits"])):
    asked = ModelInput(**{f.name: known[f.name][row : row + 1] for f in fields(ModelInput)})
    said, calibrated = engine.run(asked, 0.0), bundle.calibrators.default
    p.append(abs(calibrated(said.logits) - calibrated(known["logits"][row])).max())
    mmhg.append(abs(np.stack([said.q10, said.q50, said.q90]) - known["quantiles"][row]).max())
told = {name: version(name) for name in ("onnxruntime", "numpy")}
print(json.dumps(told | {"answers": len(p), "p": max(p), "mmhg": max(mmhg), "load_s": took_s}))
"""
TEXT: Final = """# Oldest and newest libraries

`python -m benchmarks.oldest` on {machine}. Each in an environment of its own.

| | onnxruntime | numpy | the stranger's script | known answers right | largest dp | largest dMAP, mmHg | \
load, s |
|---|---|---|---|---|---|---|---|
{rows}

*Right*: within the manifest's tolerance, by barocast's own reader and engine. *Load*: signature, hashes,
session, known answers.
"""


@dataclass(frozen=True, slots=True)
class Tried:
    """One pair of versions."""

    name: str
    stranger: str
    """The last line of the stranger's script, or why there is none."""
    engine: dict[str, Any] | str
    """What ASK printed; its last words where it failed."""

    @property
    def right(self) -> bool:
        """Whether barocast's own engine took the bundle."""
        return not isinstance(self.engine, str)

    def row(self) -> str:
        """Give the table's row."""
        if isinstance(self.engine, str):
            return f"| {self.name} | | | {self.stranger} | **no**: {self.engine} | | | |"
        e = self.engine
        cells = (self.name, e["onnxruntime"], e["numpy"], self.stranger, f"{e['answers']} of {e['answers']}")
        figures = (f"{e['p']:.6f}", f"{e['mmhg']:.4f}", f"{e['load_s']:.2f}")
        return "| " + " | ".join((*cells, *figures)) + " |"


def main() -> int:
    """Try and write the page; 1 where a pair fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=default_bundle())
    parser.add_argument("--trust", type=Path)
    args = parser.parse_args()
    tried = measure(args.bundle.resolve(), args.trust.resolve() if args.trust else None)
    page = TEXT.format(machine=machine.described(), rows="\n".join(one.row() for one in tried))
    PAGE.write_text(page, encoding="utf-8")
    print(page)
    return int(not all(one.right for one in tried))


def measure(bundle: Path, trust: Path | None) -> list[Tried]:
    """Try every pair."""
    return [_tried(name, pins, bundle, trust) for name, pins in PAIRS]


def _tried(name: str, pins: Sequence[str], bundle: Path, trust: Path | None) -> Tried:
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, *pins], check=True)
        stranger = _last([python, STRANGER, bundle]) if STRANGER.is_file() else (1, "no docs/stranger.py")
        subprocess.run([*pip, *pins, ROOT], check=True)
        status, said = _last([python, "-c", ASK, bundle, trust or ""])
    return Tried(name, stranger[1], said if status else json.loads(said))


def _last(command: Sequence[Path | str]) -> tuple[int, str]:
    """Run it outside the source tree; give its exit status and the last line that it printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    return done.returncode, lines[-1] if lines else f"status {done.returncode}"


if __name__ == "__main__":
    sys.exit(main())
