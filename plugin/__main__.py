"""`python -m barocast.plugin` is the `barocast` command."""

from __future__ import annotations

import sys

from barocast.plugin.cli import main

sys.exit(main())
