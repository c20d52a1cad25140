"""`python -m barocast.plugin.bench.fresh_child ENGINE BUNDLE TRUST THREADS`: one answer, and what it took.

Prints one line of JSON: seconds of verifying the bundle and of opening the engine (session and known
answers), and the memory of this process once it has answered. It imports what the bedside needs to answer
and nothing else.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import fields
from pathlib import Path

from barocast.plugin.bench.engines import ENGINES
from barocast.runtime.bundle import read_bundle
from barocast.runtime.domain import ModelInput
from barocast.runtime.trust import revoked, trusted_keys

STATUS = Path("/proc/self/status")


def main(arguments: list[str]) -> int:
    """Answer one window."""
    engine_name, directory, trust, threads = arguments
    begun_s = time.perf_counter()
    keys = trusted_keys(Path(trust) if trust else None)
    bundle = read_bundle(Path(directory), keys.values(), revoked())
    verified_s = time.perf_counter()
    engine = ENGINES[engine_name](bundle, int(threads))
    opened_s = time.perf_counter()
    engine.run(ModelInput(**{f.name: bundle.known_answers[f.name][:1] for f in fields(ModelInput)}), 0.0)
    took = {"verify_s": verified_s - begun_s, "open_s": opened_s - verified_s}
    print(json.dumps(took | _memory()), flush=True)
    return 0


def _memory() -> dict[str, float | None]:
    """Give resident memory, now and at most, MB; None where the kernel does not tell.

    Not getrusage: its maximum begins with what the parent held when it made this process.
    """
    lines = STATUS.read_text("ascii").splitlines() if STATUS.is_file() else []
    told = {
        name: int(rest.split()[0]) / 1000
        for name, _, rest in (line.partition(":\t") for line in lines)
        if name in {"VmRSS", "VmHWM"}
    }
    return {"rss_mb": told.get("VmRSS"), "peak_mb": told.get("VmHWM")}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
