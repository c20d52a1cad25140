"""The report's page as PDF, through WeasyPrint (extra `pdf`, and Pango on the system)."""

from __future__ import annotations

import logging


def to_pdf(html: str) -> tuple[bytes, str]:
    """Give the PDF, and what stood in the way, empty when nothing did: the page is whole without it."""
    try:
        from weasyprint import HTML  # noqa: PLC0415 `pdf` extra
    except (ImportError, OSError) as error:
        return (
            b"",
            f"not written ({error}); pip install 'barocast[pdf]', and Pango from the system's packages",
        )
    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # it tells of every screen-only property
    document: bytes = HTML(string=html).write_pdf()
    return document, ""
