"""What every message to the outside says of itself, where its format has room.

Of the three kinds of IEC 60601-1-8 (information, distributed alarm system, the same with confirmation) these
ways out are the first: nobody guarantees that what is sent arrives, or that somebody sees it.
"""

from __future__ import annotations

from typing import Final

NOTICE: Final = "For information only: not to be relied on for receipt of alarms. Research software."
