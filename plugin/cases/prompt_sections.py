"""A patient's text as the model reads it, section by section: what each costs of its tokens, what is cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from barocast.runtime.prompt import NOTE_WORDS, SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Patient


@dataclass(frozen=True, slots=True)
class PromptSection:
    """One section that has something to say."""

    name: str
    text: str
    tokens: int
    """That it takes, its name and full stop among them."""
    read: int
    """Of these, how many the model still reads."""


@dataclass(frozen=True, slots=True)
class PromptText:
    """The whole text of a patient."""

    sections: tuple[PromptSection, ...]
    unread_words: int
    """Of the notes, beyond NOTE_WORDS: they never become tokens."""
    most: int
    """Tokens that the model reads."""

    @property
    def tokens(self) -> int:
        """That the text takes."""
        return sum(section.tokens for section in self.sections)

    def lines(self) -> Iterator[str]:
        """Say it in lines for a person."""
        for section in self.sections:
            cut = section.tokens - section.read
            yield f"{section.name}: {section.text}"
            yield f"    {section.tokens} tokens{f', the last {cut} are cut' if cut else ''}"
        cut = max(0, self.tokens - self.most)
        yield f"{self.tokens - cut} of {self.most} tokens read, {cut} cut"
        if self.unread_words:
            yield f"of the notes, {self.unread_words} words beyond the first {NOTE_WORDS} are not read"


def prompt_text(patient: Patient, bundle: Bundle) -> PromptText:
    """Give the text as `tokens.text_ids` will cut it for the bundle's model."""
    sections, left = [], bundle.text_tokens
    for name, write in SECTIONS.items():
        text = write(patient)
        if not text:
            continue
        tokens = len(bundle.tokenizer.encode(f"{name}: {text}."))
        sections.append(PromptSection(name, text, tokens, min(tokens, left)))
        left -= sections[-1].read
    words = sum(len(text.split()) for _, text in patient.notes)
    return PromptText(tuple(sections), max(0, words - NOTE_WORDS), bundle.text_tokens)
