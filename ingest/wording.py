"""One sentence in the two languages that we speak."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Wording:
    """The same sentence in English and in Chinese, written side by side so that both stay true."""

    en: str
    zh: str

    def to(self, language: Language) -> str:
        """Return the sentence in `language`."""
        return self.zh if language == "zh" else self.en

    def __str__(self) -> str:
        return self.en


SILENCE = Wording("", "")
