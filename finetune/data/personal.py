"""Personal data in training rows, found by its form: counted always, masked where asked for.

What a model learns by heart it may say to anybody. Names are found only where a word before them
says that one follows; a list of surnames would take half of all words for names.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from finetune.records import Record
from ingest.foundation.messages import Message
from ingest.text.language import language_of

PersonalKind = Literal["phone", "id_card", "email", "bank_card", "name"]

_MAY_HOLD = re.compile(r"@|\d{11}|\d{3}[- ]\d{4}|姓名|联系人|收件人|收货人|[Nn]ame")
"""What a text has that may hold any: most have none, and are passed over at once."""

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


def is_id_number(digits: str) -> bool:
    """Return whether 18 characters are a Chinese identity number by its check (GB 11643-1999)."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, _ID_WEIGHTS, strict=False))
    return _ID_CHECKS[total % 11] == digits[-1].upper()


def is_card_number(digits: str) -> bool:
    """Return whether digits are a card's by their check (ISO/IEC 7812-1, Luhn)."""
    bare = [int(digit) for digit in digits if digit.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in bare[-2::-2])
    return len(bare) >= 16 and (sum(bare[-1::-2]) + sum(doubled)) % 10 == 0


@dataclass(frozen=True, slots=True)
class _Pattern:
    form: re.Pattern[str]
    mask: Message
    check: Callable[[str], bool] = lambda text: True


_PATTERNS: Mapping[PersonalKind, _Pattern] = {
    "email": _Pattern(
        re.compile(
            r"(?P<held>[\w.+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})", re.ASCII
        ),
        Message.bilingual("[email]", "[邮箱]"),
    ),
    # Before phones: an identity number holds eleven digits that look like one.
    "id_card": _Pattern(
        re.compile(
            r"(?<!\d)(?P<held>[1-9]\d{5}(?:18|19|20)\d{2}[01]\d[0-3]\d{4}[\dXx])(?![\dA-Za-z])"
        ),
        Message.bilingual("[ID number]", "[身份证号]"),
        is_id_number,
    ),
    "bank_card": _Pattern(
        re.compile(r"(?<![\d.])(?P<held>[3-6]\d{3}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?)(?![\d.])"),
        Message.bilingual("[card number]", "[银行卡号]"),
        is_card_number,
    ),
    "phone": _Pattern(
        re.compile(
            r"(?<![\d.])(?P<held>(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}|0\d{2,3}-\d{7,8}"
            r"|\(\d{3}\) ?\d{3}-\d{4}|\+\d{1,3}(?:[ -]\d{2,4}){3,4})(?![\d.])"
        ),
        Message.bilingual("[phone]", "[电话]"),
    ),
    "name": _Pattern(
        re.compile(
            r"(?:姓名|联系人|收件人|收货人)\s?[：:]\s?(?P<held>[\u4e00-\u9fff]{2,4}(?:·[\u4e00-\u9fff]{2,8})?)"
            r"(?![\u4e00-\u9fff])|\b[Nn]ame\s?:\s?(?P<also>[A-Z][a-z]+(?: [A-Z][a-z.]+){1,3})"
        ),
        Message.bilingual("[name]", "[姓名]"),
    ),
}
"""In the order in which they are looked for."""

PERSONAL_NAMES: Mapping[PersonalKind, Message] = {
    "phone": Message("phone numbers"),
    "id_card": Message("identity numbers"),
    "email": Message("mail addresses"),
    "bank_card": Message("card numbers"),
    "name": Message("names of people"),
}


def personal_kinds(record: Record) -> frozenset[PersonalKind]:
    """Return what personal data a record holds in any of its texts."""
    texts = [record.system]
    for turn in record.turns:
        texts += (turn.user, turn.think, turn.answer)
    held = "\n".join(texts)
    if not _MAY_HOLD.search(held):
        return frozenset()
    return frozenset(kind for kind, _, _ in _found(held))


def mask_personal(text: str, place: int) -> str:
    """Return a text with what kind it was in the place of each piece of personal data."""
    if not _MAY_HOLD.search(text):
        return text
    language = language_of(text)
    # From the end, so that the places of those before stay right.
    for kind, start, end in sorted(_found(text), key=lambda one: -one[1]):
        text = text[:start] + _PATTERNS[kind].mask.localize(language) + text[end:]
    return text


def _found(text: str) -> Iterator[tuple[PersonalKind, int, int]]:
    """Yield kind, start and end of each piece; none overlaps another."""
    taken: list[tuple[int, int]] = []
    for kind, pattern in _PATTERNS.items():
        for found in pattern.form.finditer(text):
            group = "held" if found["held"] else "also"
            start, end = found.span(group)
            is_free = all(end <= begun or ended <= start for begun, ended in taken)
            if is_free and pattern.check(found[group]):
                taken.append((start, end))
                yield kind, start, end
