"""Address cards: .vcf files (RFC 6350, and the versions 2.1 and 3.0)."""

import re
from collections.abc import Mapping, Sequence

from ingest.extract.base import DamagedFileError, FileContent
from ingest.extract.formats.entries.content_lines import (
    GROUP,
    MAX_ENTRIES,
    Component,
    FieldLabels,
    parse_components,
    render_moment,
    unescape,
)
from ingest.extract.formats.zip_parts import names_damage
from ingest.text.cjk import CJK

_HALVES = re.compile(r"(?<!\\);")
_CARD_FIELDS = (
    *("NICKNAME", "ORG", "TITLE", "ROLE", "TEL", "EMAIL", "IMPP", "X-QQ", "X-WECHAT", "ADR"),
    *("BDAY", "ANNIVERSARY", "X-ABDATE", "X-ABRELATEDNAMES", "URL", "NOTE"),
)
_OWN_LABEL = re.compile(r"_\$!<(.*)>!\$_")
"""How Apple writes the labels that its program translates; others are a person's own words."""
_KINDS_SHOWN = frozenset({"cell", "work", "home", "fax"})


@names_damage
def read_cards(body: bytes, charset: str | None) -> FileContent:
    """Return the cards of a .vcf file, a paragraph each: name, phones, addresses, notes."""
    cards = [each for each in parse_components(body, charset) if each.kind == "VCARD"][:MAX_ENTRIES]
    if not cards:
        raise DamagedFileError
    names = [_card_name(card) for card in cards]
    lines = [_card_line(card, name) for card, name in zip(cards, names, strict=True)]
    title = names[0] if len(cards) == 1 else ""
    return FileContent(text="\n\n".join(f"- {line}" for line in lines if line), title=title)


def _card_name(card: Component) -> str:
    if full := card.texts("FN"):
        return " ".join(full[0].split())
    family, given, *_ = [*map(unescape, _HALVES.split(card.first("N")[1])), "", ""]
    is_chinese = re.search(f"[{CJK}]", family + given) is not None
    return f"{family}{given}" if is_chinese else f"{given} {family}".strip()


def _card_line(card: Component, name: str) -> str:
    words, fields = FieldLabels(" ".join([name, *card.texts("ORG")])), [name]
    labels = {
        parameters.get(GROUP, ""): _OWN_LABEL.sub(r"\1", unescape(value))
        for parameters, value in card.lines.get("X-ABLABEL", [])
    }
    for key in _CARD_FIELDS:
        for parameters, value in card.lines.get(key, []):
            label = labels.get(parameters.get(GROUP, ""), "")
            fields.append(_labelled_value(key.lower(), parameters, value, words, label=label))
    return "; ".join(filter(None, fields))


def _labelled_value(
    key: str, parameters: Mapping[str, str], value: str, words: FieldLabels, *, label: str
) -> str:
    """Return one field of a card: "Phone (mobile): +47 555 0199"; `label` is the owner's own."""
    pieces: Sequence[str] = [unescape(part) for part in _HALVES.split(value)]
    text = ", ".join(filter(None, pieces)) if key in ("org", "adr") else unescape(value)
    if key in ("bday", "anniversary", "x-abdate"):
        # The year of a birthday without one: Apple's 1604, RFC 6350's "--".
        year = parameters.get("X-APPLE-OMIT-YEAR", "-")
        if without_year := re.fullmatch(rf"{re.escape(year)}-?(\d\d)-?(\d\d)", text):
            text = "-".join(without_year.groups())
        text = render_moment(({}, text))
    elif key == "tel":
        text = text.removeprefix("tel:").replace(";ext=", " ext. ")
    kinds = [kind for kind in parameters.get("TYPE", "").lower().split(",") if kind in _KINDS_SHOWN]
    pair = words.pair(key, text)
    if not pair or not (kinds or label):
        return pair
    shown = ", ".join(filter(None, [*(words[kind] for kind in kinds), label]))
    return pair.replace(words[key], f"{words[key]} ({shown})", 1)
