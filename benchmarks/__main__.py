"""`python -m benchmarks [NAME ...]`: run the named measurements, or all, and write benchmarks/NAME.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import alarm_burden, artefacts, demo, endurance, feeds, footprint, latency, replay

MEASURES = {
    "alarm_burden": alarm_burden.measure,
    "artefacts": artefacts.measure,
    "demo": demo.measure,
    "endurance": endurance.measure,
    "feeds": feeds.measure,
    "footprint": footprint.measure,
    "latency": latency.measure,
    "replay": replay.measure,
}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *MEASURES], metavar="NAME", help=", ".join(MEASURES))
    for name in parser.parse_args().names or MEASURES:
        text = MEASURES[name]()
        if text:
            Path(__file__).with_name(f"{name}.md").write_text(text, encoding="utf-8")
            print(text)


main()
