"""Which releases of a maker have run on this box: an older one is refused, lest a mended fault come back.

    check(bundle)      raises BundleError (downgrade) where a newer one of the same maker ran here
    remember(bundle)   after it was loaded and knew its known answers

Kept as JSON, maker's public key -> highest sequence number. A file that is lost or torn forgets: it guards
against a mistake and a stale copy, not against whoever can write to this box.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.runtime.errors import BundleError, Refused

if TYPE_CHECKING:
    from pathlib import Path

    from barocast.runtime.bundle import Bundle

FILE: Final = "releases.json"


@dataclass(frozen=True, slots=True)
class Releases:
    """The memory in one folder."""

    folder: Path

    def check(self, bundle: Bundle) -> None:
        """Refuse what is older than what has run."""
        newest, sequence = self._read().get(bundle.signer.hex(), 0), bundle.manifest.sequence
        if sequence < newest:
            raise BundleError(
                f"{bundle.manifest.id}: release {sequence} is older than {newest}, which ran here; "
                "use a newer one, or set [model] allow_older = true",
                Refused.DOWNGRADE,
            )

    def remember(self, bundle: Bundle) -> None:
        """Note that it runs. A disk that takes nothing costs the memory, not the forecasts."""
        known = self._read()
        maker = bundle.signer.hex()
        if bundle.manifest.sequence <= known.get(maker, 0):
            return
        path, new = self.folder / FILE, self.folder / f"{FILE}.new"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(known | {maker: bundle.manifest.sequence}) + "\n", encoding="utf-8")
            new.replace(path)
        except OSError:
            return

    def _read(self) -> dict[str, int]:
        try:
            found = json.loads((self.folder / FILE).read_text("utf-8"))
            return {str(maker): int(sequence) for maker, sequence in found.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}
