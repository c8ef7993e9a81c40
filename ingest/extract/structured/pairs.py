"""What structured data say of a product, a recipe or an event, as pairs that a reader can quote.

Shops and recipe sites write price, rating or times by scripts, or in places that look like menus,
and repeat them in JSON-LD or microdata (https://schema.org). Only what the text does not have yet
is added, in the language of the page.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from lxml import etree

from ingest.extract.dom import letters_of, text_of
from ingest.extract.metadata.jsonld import (
    JsonObject,
    as_list,
    name_properties,
    page_types,
    text_property,
)

MAX_PAIRS = 40
MIN_KNOWN = 4  # letters of a value from which the text is said to have it
MAX_PAIR = 300  # characters of a value; a description is text
MAX_STEPS = 60
MAX_LABEL = 30  # characters
MIN_FACTS = 3  # pairs; fewer are no box of facts
MIN_BAIKE_FACTS = 2  # the same, where the class is that of Baidu Baike alone

_LABELS = {
    "name": "名称",
    "brand": "品牌",
    "model": "型号",
    "sku": "商品编号",
    "price": "价格",
    "availability": "库存",
    "rating": "评分",
    "reviews": "评价数",
    "color": "颜色",
    "material": "材质",
    "size": "尺寸",
    "weight": "重量",
    "servings": "份量",
    "preparation time": "准备时间",
    "cooking time": "烹饪时间",
    "total time": "总时间",
    "calories": "热量",
    "ingredients": "用料",
    "steps": "步骤",
    "begins": "开始",
    "ends": "结束",
    "place": "地点",
    "organizer": "主办方",
    "performers": "演出者",
    "employer": "用人单位",
    "employment": "工作性质",
    "salary": "薪资",
    "open until": "截止日期",
    "in stock": "有货",
    "out of stock": "缺货",
    "pre order": "预售",
}
"""English label, or value of ours -> the Chinese one."""
_PLAIN_KEYS = {
    "product": (
        ("name", "name"), ("brand", "brand"), ("model", "model"), ("sku", "sku"),
        ("color", "color"), ("material", "material"), ("size", "size"), ("weight", "weight"),
    ),
    "recipe": (("name", "name"), ("servings", "recipeYield")),
    "event": (("name", "name"), ("organizer", "organizer"),),
}  # fmt: skip
_TIMES = (
    ("preparation time", "prepTime"),
    ("cooking time", "cookTime"),
    ("total time", "totalTime"),
)
_DURATION = re.compile(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:\d+S)?", re.IGNORECASE)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d))?")
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")

_SPECIFICATION = re.compile(
    r"(?:^|[\s_-])(?:p-?param|param(?:eter)?s?\d?|spec(?:s|ification)?s?|attributes?|ptable|properties)"
    r"(?:$|[\s_-])|parameter|[pP]table",
    re.IGNORECASE,
)
_INFOBOX = re.compile(
    r"(?:^|[\s_-])(?:basic-?info|info-?box|subject-?info|xxgk\w{0,12}|index-?info|sy-?table)(?:$|[\s_-])"
    r"|basicInfo",
    re.IGNORECASE,
)
"""Classes of Baidu Baike, MediaWiki, Douban, and of the index of public notices (信息公开)."""
_INDEX_LABELS = frozenset({"索引号", "发文字号", "文号"})
"""Labels that only the index of a public notice has: one is enough."""
_BOX_WORDS = ("info", "xxgk", "sy-table", "sytable")
_COLON = re.compile(r"\s?[:：]\s?")
Pair = tuple[str, str]


def read_specifications(root: etree._Element) -> list[Pair]:
    """Return the pairs in lists and tables that a product page calls its specifications."""
    return _read_pairs(root, _SPECIFICATION)


def read_infobox(root: etree._Element, *, classes: str) -> list[Pair]:
    """Return the pairs in the box of facts beside a text, [] if there are few.

    That of an encyclopedia, or the index of a public notice. `classes` are those of all elements of
    the page: most pages are decided by it.
    """
    # The words first: over all classes of a page the pattern takes long.
    names = (name for name in classes.split() if any(map(name.lower().__contains__, _BOX_WORDS)))
    found = _read_pairs(root, _INFOBOX) if any(map(_INFOBOX.search, names)) else []
    if not found and "pl" in classes.split():
        found = _read_lines(root)
    is_index = any(label in _INDEX_LABELS for label, _ in found)
    is_fact_box = len(found) >= MIN_BAIKE_FACTS and "basicInfo" in classes
    return found if len(found) >= MIN_FACTS or is_index or is_fact_box else []


def _read_lines(root: etree._Element) -> list[Pair]:
    """Return the pairs of Douban, a line each, whose labels are of the class "pl"."""
    found: dict[Pair, None] = {}
    for place in root.xpath("//*[@id='info'][.//*[@class='pl']]"):
        lines = [""]
        for event, element in etree.iterwalk(place, events=("start", "end")):
            if event == "end" and element is place:
                break
            if event == "start" and element.tag == "br":
                lines.append("")
            lines[-1] += (element.text if event == "start" else element.tail) or ""
        for line in lines:
            label, colon, value = _COLON.sub(":", " ".join(line.split()), count=1).partition(":")
            if colon and value and 0 < len(label) <= MAX_LABEL and len(value) <= MAX_PAIR:
                found.setdefault((label, value))
    return list(found)[:MAX_PAIRS]


def _read_pairs(root: etree._Element, named: re.Pattern[str]) -> list[Pair]:
    """Return the pairs in the lists and tables of the elements whose class is `named` so."""
    found: dict[Pair, None] = {}
    for place in root.xpath("//*[@class]"):
        if not named.search(place.get("class", "")[:MAX_PAIR]):
            continue
        for entry in place.iter("li", "tr", "dt"):
            if entry.tag == "dt":
                cells = [entry, *entry.itersiblings("dd")][:2]
            elif entry.tag == "tr":
                cells = list(entry.iterchildren("th", "td"))
            else:
                cells = [entry]
            texts = [" ".join(text_of(cell)[:MAX_PAIR].split()) for cell in cells]
            if len(texts) == 1:
                texts = _COLON.split(texts[0], maxsplit=1)
            # Two or three pairs a row: the index of a notice of a Chinese authority.
            if len(texts) in (2, 4, 6):
                for label, value in zip(texts[::2], texts[1::2], strict=True):
                    label = label.strip(" :：")
                    if label and value and len(label) <= MAX_LABEL:
                        found.setdefault((label, value))
    return list(found)[:MAX_PAIRS]


def render_pairs(
    objects: Sequence[JsonObject],
    *,
    text: str,
    is_chinese: bool,
    specifications: Sequence[Pair] = (),
) -> str:
    """Return what `objects` say beyond `text`, a line each, "" if that is nothing.

    `text` is that of the page, in Markdown; a value that it has is not said twice, nor are
    `specifications`, which come last.
    """
    pairs = [*(pair for each in objects for pair in _pairs_of(each)), *specifications]
    known = letters_of(text) if pairs else ""
    new: dict[Pair, None] = {}
    for label, value in pairs:
        letters = letters_of(value)
        # Few letters are found by chance: "4" and "M" are in any text.
        is_known = (letters in known and (len(letters) >= MIN_KNOWN or label == "name")) or (
            letters_of(label) + letters in known
        )
        if letters and not is_known and len(value) <= MAX_PAIR:
            new.setdefault((label, value))
    if all(label == "name" for label, _ in new):  # which says nothing that the title does not
        return ""
    return "\n".join(
        f"- {_LABELS.get(label, label)}：{_LABELS.get(value, value)}"
        if is_chinese
        else f"- {label[:1].upper()}{label[1:]}: {value}"
        for label, value in itertools.islice(new, MAX_PAIRS)
    )


def _pairs_of(entry: JsonObject) -> Iterator[Pair]:
    types = page_types([entry])
    if types & {"product", "individualproduct", "productgroup", "vehicle", "book"}:
        yield from _plain_pairs(entry, "product")
        yield from _offer_pairs(entry)
        yield from _rating_pairs(entry)
        for extra in as_list(entry.get("additionalProperty")):
            if isinstance(extra, dict) and (value := text_property(extra.get("value"))):
                yield text_property(extra.get("name")), value
    elif "recipe" in types:
        yield from _plain_pairs(entry, "recipe")
        yield from _recipe_pairs(entry)
        yield from _rating_pairs(entry)
    elif "jobposting" in types:
        yield from _job_pairs(entry)
    elif any(each.endswith("event") for each in types):
        yield from _plain_pairs(entry, "event")
        yield from _event_pairs(entry)
        yield from _offer_pairs(entry)


def _plain_pairs(entry: JsonObject, kind: str) -> Iterator[Pair]:
    for label, key in _PLAIN_KEYS[kind]:
        value = entry.get(key)
        yield label, _text_of_value(value[0] if isinstance(value, list) and value else value)


def _offer_pairs(entry: JsonObject) -> Iterator[Pair]:
    for offer in as_list(entry.get("offers"))[:5]:
        if not isinstance(offer, dict):
            continue
        specification = next(iter(as_list(offer.get("priceSpecification"))), None)
        source = offer if "price" in offer or "lowPrice" in offer else specification or offer
        if isinstance(source, dict):
            ends = (_text_of_value(source.get(key)) for key in ("lowPrice", "highPrice"))
            price = _text_of_value(source.get("price")) or "–".join(filter(None, ends))
            if price:
                currency = _text_of_value(source.get("priceCurrency") or offer.get("priceCurrency"))
                yield "price", f"{price} {currency}".strip()
        state = _text_of_value(offer.get("availability")).rpartition("/")[2]
        yield "availability", " ".join(_WORDS.split(state)).lower()


def _rating_pairs(entry: JsonObject) -> Iterator[Pair]:
    rating = next(iter(as_list(entry.get("aggregateRating"))), None)
    if isinstance(rating, dict) and (value := _text_of_value(rating.get("ratingValue"))):
        best = _text_of_value(rating.get("bestRating"))
        yield "rating", f"{value} / {best}" if best else value
        count = rating.get("reviewCount") or rating.get("ratingCount")
        yield "reviews", _text_of_value(count)


def _recipe_pairs(entry: JsonObject) -> Iterator[Pair]:
    for label, key in _TIMES:
        yield label, render_duration(_text_of_value(entry.get(key)))
    nutrition = entry.get("nutrition")
    if isinstance(nutrition, dict):
        yield "calories", _text_of_value(nutrition.get("calories"))
    for ingredient in as_list(entry.get("recipeIngredient") or entry.get("ingredients")):
        yield "ingredients", _text_of_value(ingredient)
    for step in _steps_of(entry.get("recipeInstructions"), depth=3):
        yield "steps", step


def _steps_of(value: Any, *, depth: int) -> Iterator[str]:
    for step in as_list(value)[:MAX_STEPS]:
        if isinstance(step, dict) and "itemListElement" in step and depth:
            yield from _steps_of(step["itemListElement"], depth=depth - 1)
        elif isinstance(step, dict):
            yield text_property(step.get("text")) or text_property(step.get("name"))
        elif isinstance(step, str):
            yield text_property(step)


def _event_pairs(entry: JsonObject) -> Iterator[Pair]:
    for label, key in (("begins", "startDate"), ("ends", "endDate")):
        if match := _MOMENT.match(_text_of_value(entry.get(key))):
            yield label, " ".join(filter(None, match.groups()))
    for place in as_list(entry.get("location"))[:3]:
        if isinstance(place, dict):
            address = place.get("address")
            parts = [_text_of_value(place.get("name")), _address_of(address)]
            yield "place", ", ".join(filter(None, parts))
        else:
            yield "place", _text_of_value(place)
    yield "performers", ", ".join(name_properties(entry.get("performer"), names={}))


def _job_pairs(entry: JsonObject) -> Iterator[Pair]:
    employer = entry.get("hiringOrganization")
    employer = employer.get("name") if isinstance(employer, dict) else employer
    yield "employer", _text_of_value(employer)
    yield "employment", _text_of_value(entry.get("employmentType")).replace("_", " ").lower()
    for place in as_list(entry.get("jobLocation"))[:3]:
        yield "place", _address_of(place.get("address")) if isinstance(place, dict) else ""
    salary = entry.get("baseSalary")
    if isinstance(salary, dict):
        amount = salary.get("value")
        amount = amount if isinstance(amount, dict) else {"value": amount}
        ends = (_text_of_value(amount.get(end)) for end in ("minValue", "maxValue"))
        figure = "–".join(filter(None, ends)) or _text_of_value(amount.get("value"))
        currency = _text_of_value(salary.get("currency"))
        unit = _text_of_value(amount.get("unitText"))
        if figure:
            yield "salary", f"{figure} {currency}".strip() + (f" / {unit.lower()}" if unit else "")
    if match := _MOMENT.match(_text_of_value(entry.get("validThrough"))):
        yield "open until", match[1]


def _address_of(address: Any) -> str:
    if not isinstance(address, dict):
        return _text_of_value(address)
    keys = ("streetAddress", "postalCode", "addressLocality", "addressCountry")
    return ", ".join(filter(None, (_text_of_value(address.get(key)) for key in keys)))


def render_duration(text: str) -> str:
    """Return an ISO 8601 duration as people write it: "PT1H20M" is "1 h 20 min"."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return text
    days, hours, minutes = (int(each or 0) for each in match.groups())
    hours, minutes = hours + 24 * days + minutes // 60, minutes % 60
    return " ".join(f"{count} {unit}" for count, unit in ((hours, "h"), (minutes, "min")) if count)


def _text_of_value(value: Any) -> str:
    if isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return " ".join(text_property(value).split())
