"""Numbers as a spreadsheet shows them, with currency, unit and decimals.

The grammar of number formats is in ECMA-376 part 1, 18.8.31: up to four sections between
semicolons, for positive and negative numbers, zero and text.
"""

import decimal
import functools
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_NUMBER = 1e300  # a file may hold integers of any length, and infinity
MAX_FORMAT = 255  # characters that Excel allows; each cell of a damaged file might have a megabyte

_DIGITS = "0#?"
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|[\\!](?P<escaped>.)|_.|\*.|\[\$(?P<currency>[^\]-]*)[^\]]*\]'
    r"|\[(?P<compare><=|>=|<>|<|>|=)(?P<bound>-?\d{1,15}(?:\.\d{1,15})?)\]"
    r"|\[[^\]]*\]|(?P<general>General)|(?P<plain>.)",
    re.IGNORECASE | re.DOTALL,
)
"""Chinese and Japanese programs escape by "!": 0!.0,"万" shows 185,000 as 18.5万."""
_NOT_A_NUMBER = frozenset("dmyhsgebDMYHSGEB@/")
"""Letters of days, times and powers, the place of a text, the bar of a fraction."""
_COMPARISONS = {
    "<=": operator.le,
    ">=": operator.ge,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_EXACT = decimal.Context(prec=2_000, rounding=decimal.ROUND_HALF_UP, Emax=9_999, Emin=-9_999)
"""Programs round half away from zero. The largest number has 309 digits before those of "%"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _FormatSection:
    """What a format says of some numbers."""

    parts: tuple[tuple[str, str], ...]
    """Kind ("literal", "digit", "point" or "general") and text, in order."""
    compare: str
    """Which numbers it is for, "" where the order of sections says so."""
    bound: float
    groups: bool
    power: int
    """The number is shown times ten to it."""


def plain_number(value: float) -> str:
    """Return a number in as few digits as it has, as in a cell without a format."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return str(int(value))
    return f"{value:.10g}"


def shown_number(value: float, number_format: str) -> str:
    """Return a number as a cell of that format shows it: "¥18,500.00", "75 kg", "-3.5%".

    Where a format shows no digits ("-" for zero), or needs another calendar, it is the plain one.
    """
    is_plain = number_format in ("", "General")
    if is_plain or len(number_format) > MAX_FORMAT or not abs(value) < MAX_NUMBER:
        return plain_number(value)
    sections = _parse_format(number_format)
    place = _place_of_section(sections, value)
    if place is None or not sections[place].parts:
        return plain_number(value)
    section = sections[place]
    is_padding = {kind for kind, _ in section.parts} == {"digit"} and not section.groups
    if is_padding and not section.power and value != int(value):
        return plain_number(value)  # "000" is for the zeros of a postcode, not for rounding
    places = _digits_of(section, behind_point=True)
    shown = _EXACT.multiply(
        _EXACT.abs(decimal.Decimal(str(value))), _EXACT.power(10, section.power)
    )
    shown = _EXACT.quantize(shown, decimal.Decimal(1).scaleb(-len(places)))
    # The second section writes its own sign, if any: "(#,##0)". So may one with a condition. Where
    # it has the marks of the first ("0%;[Red]0%"), only its colour says that a number is negative.
    marks = {text for kind, text in section.parts if kind == "literal" and text.strip()}
    has_sign = not marks.isdisjoint("-(")
    if place == 1 and not any(each.compare for each in sections):
        has_sign = has_sign or not marks <= {text for _, text in sections[0].parts}
    is_general = ("general", "") in section.parts
    sign = "-" if value < 0 and not has_sign and (shown or is_general) else ""
    text = "".join(_write_parts(section, f"{shown:f}", plain_number(abs(value))))
    if not any(map(str.isdigit, text)):
        return plain_number(value)
    return " ".join((sign + text).split())


def _place_of_section(sections: tuple[_FormatSection, ...], value: float) -> int | None:
    """Return which section shows a number, None if there is none."""
    if any(section.compare for section in sections):
        fitting = (
            place
            for place, section in enumerate(sections)
            if not section.compare or _COMPARISONS[section.compare](value, section.bound)
        )
        return next(fitting, None)
    wanted = 1 if value < 0 else 2 * (value == 0)
    return wanted if wanted < min(len(sections), 3) else 0


@functools.lru_cache(maxsize=1_000)
def _parse_format(number_format: str) -> tuple[_FormatSection, ...]:
    sections: list[list[re.Match[str]]] = [[]]
    for token in _TOKEN.finditer(number_format):
        if token["plain"] == ";":
            sections.append([])
        else:
            sections[-1].append(token)
    return tuple(map(_parse_section, sections))


def _parse_section(tokens: list[re.Match[str]]) -> _FormatSection:
    """Return a section; without parts if it shows no digits or is not for numbers."""
    plain = [token["plain"] or "" for token in tokens]
    parts: list[tuple[str, str]] = []
    condition = next((token for token in tokens if token["compare"]), None)
    last = max((place for place, mark in enumerate(plain) if mark in _DIGITS and mark), default=-1)
    first = next((place for place, mark in enumerate(plain) if mark and mark in _DIGITS), 0)
    point = plain.index(".") if "." in plain else len(plain)
    groups, power = False, 2 * plain.count("%")
    for place, (token, mark) in enumerate(zip(tokens, plain, strict=True)):
        if mark == "," and first < place:
            # Behind the last digit it divides by 1000, between digits it parts groups.
            is_between = place < last and plain[place + 1] != "."
            groups = groups or (is_between and place < point)
            power -= 0 if is_between else 3
        elif mark and mark in _DIGITS:
            parts.append(("digit", mark))
        elif mark == "." and place == point:
            parts.append(("point", mark))
        elif token["general"]:
            parts.append(("general", ""))
        else:
            text = token["quoted"] or token["escaped"] or token["currency"] or mark
            parts.append(("literal", text))
    is_number = not _NOT_A_NUMBER & {*plain} and any(k in ("digit", "general") for k, _ in parts)
    return _FormatSection(
        parts=tuple(parts) if is_number else (),
        compare=condition["compare"] if condition else "",
        bound=float(condition["bound"]) if condition else 0,
        groups=groups,
        power=power,
    )


def _digits_of(section: _FormatSection, *, behind_point: bool) -> str:
    """Return the marks of the digits before or behind the point."""
    point = section.parts.index(("point", ".")) if ("point", ".") in section.parts else None
    if point is None:
        parts = () if behind_point else section.parts
    else:
        parts = section.parts[point:] if behind_point else section.parts[:point]
    return "".join(text for kind, text in parts if kind == "digit")


def _write_parts(section: _FormatSection, shown: str, plain: str) -> Iterator[str]:
    """Yield the text of each part, for a rounded number and the same in plain digits."""
    whole, _, fraction = shown.partition(".")
    before = _digits_of(section, behind_point=False)
    # "#" and "?" show no zeros that add nothing, "0" shows them.
    required = _digits_of(section, behind_point=True).rstrip("#?")
    fraction = fraction[: max(len(required), len(fraction.rstrip("0")))]
    # But 0.5 is not written .5, as "#.##" has it.
    digits = whole.lstrip("0").zfill(max(before.count("0"), bool(fraction)))
    grouped = [
        digit + ("," if section.groups and left and left % 3 == 0 else "")
        for left, digit in zip(range(len(digits) - 1, -1, -1), digits, strict=True)
    ]
    # Digits are filled in from the right; the first place takes all that are left over.
    left_over = max(0, len(grouped) - len(before) + 1)
    missing = max(0, len(before) - len(grouped))
    places = iter(["".join(grouped[:left_over]), *grouped[left_over:]] if not missing else grouped)
    is_behind, skipped = False, missing
    for kind, text in section.parts:
        if kind == "point":
            if not before:
                yield "".join(grouped)
            is_behind = True
            places = iter(fraction)
            yield "." if fraction else ""
        elif kind == "digit":
            if skipped and not is_behind:
                skipped -= 1
            else:
                yield next(places, "")
        else:
            yield plain if kind == "general" else text
