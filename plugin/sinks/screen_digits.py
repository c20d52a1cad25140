"""Numbers that can be read from across the room: three rows of half blocks."""

from __future__ import annotations

FONT = {
    "0": ("###", "# #", "# #", "# #", "###"),
    "1": (" # ", "## ", " # ", " # ", "###"),
    "2": ("###", "  #", "###", "#  ", "###"),
    "3": ("###", "  #", " ##", "  #", "###"),
    "4": ("# #", "# #", "###", "  #", "  #"),
    "5": ("###", "#  ", "###", "  #", "###"),
    "6": ("###", "#  ", "###", "# #", "###"),
    "7": ("###", "  #", "  #", " # ", " # "),
    "8": ("###", "# #", "###", "# #", "###"),
    "9": ("###", "# #", "###", "  #", "###"),
    "-": ("   ", "   ", "###", "   ", "   "),
    "/": ("  #", "  #", " # ", "#  ", "#  "),
    " ": ("   ", "   ", "   ", "   ", "   "),
}
"""Three by five dots for each character."""

HALF_BLOCKS = {(" ", " "): " ", ("#", " "): "▀", (" ", "#"): "▄", ("#", "#"): "█"}
BLANK_ROW = "   "


def big(text: str) -> tuple[str, str, str]:
    """Draw `text` (digits, `-`, `/`, space) in three rows, four columns to a character."""
    rows = [" ".join(glyph) for glyph in zip(*(FONT[c] for c in text), strict=True)]
    rows.append(" ".join(BLANK_ROW for _ in text))
    pairs = ((rows[i], rows[i + 1]) for i in (0, 2, 4))
    top, middle, bottom = ("".join(HALF_BLOCKS[p] for p in zip(a, b, strict=True)) for a, b in pairs)
    return top, middle, bottom
