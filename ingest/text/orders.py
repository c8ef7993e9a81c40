"""Sees text of pages that speaks to a language model instead of to a reader.

OWASP LLM01, "prompt injection". What holds whatever the words are is structure: quoting, fences,
defused tokens of templates, checked links, verdicts. Patterns are the second line, and have to be
precise, because what pages say to their readers must not be lost: they know the usual imperatives,
in English and Chinese, in whatever spelling a model still reads (traditional characters,
full-width letters, look-alikes of other alphabets, spaces and invisible characters within words,
ends of lines, Base64), and take the sentence that gives the order. Sentences that quote one stay.
"""

import base64
import binascii
import functools
import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

from ingest.text.cjk import CJK
from ingest.text.normalize import fold_text
from ingest.text.words import sentence_spans

Span = tuple[int, int]

MAX_TURN_LINES = 3
"""Lines that a turn which a page plays may go on."""
MIN_WRAP_CHARACTERS = 40
"""Characters from which on a line may go on in the next one in the midst of a sentence."""
MAX_ORDER_CHARACTERS = 300
"""Characters on either side of a word that orders have in which one is looked for."""
MAX_PAYLOAD_SENTENCES = 3
"""Sentences behind an order that may say what it wants."""
MIN_LETTERS_AROUND = 12
"""Letters beside a quotation (half of that in Chinese) from which on a line is about it."""

_PATTERNS = Path(__file__).with_name("orders.txt")
_BETWEEN_TURNS = (
    # What opens a turn, or is between two: text of a page has no use for it but in code.
    r"(?:<\|(?:im_start|im_end|start_header_id|eot_id|system|user|assistant|observation|channel|end"
    r"|start_of_role|[A-Z_]+_TOKEN)\|>|<｜[^>｜\n]{1,40}｜>|\[/?INST\]|<</?SYS>>|\[/?SYSTEM_PROMPT\]"
    r"|</?(?:start|end)_of_turn>|</?(?:system|assistant|passages|instructions)>|\[gMASK\]"
    r"|<reserved_\d+>|</?tool_call>|\[TOOL_CALLS\])"
)
# At the start of a line, behind other tags at most, or two of them in a row: one in the midst of a
# sentence is what the sentence is about.
_TURN = re.compile(
    rf"^[\s>*#\-]*(?:</?[^<>|\s]{{1,20}}>\s*){{0,5}}{_BETWEEN_TURNS}|{_BETWEEN_TURNS}\s*{_BETWEEN_TURNS}"
    r"|^\W*\"(?:tool_calls?|function_call)\"\s*:"
)
_CODE = re.compile(r"`[^`\n]*`")
_QUOTED = re.compile(
    r"(?<![\w=])\"[^\"\n]{1,400}\"|“[^”\n]{1,400}”|「[^」\n]{1,400}」|`[^`\n]{1,400}`"
)
_LETTER = re.compile(r"[^\W\d_]")
_EXPLAINS = re.compile(
    r"\b(?:examples?|such as|e\.g|for instance|injections?|injected|attack\w*|jailbreak\w*|phrases?"
    r"|payloads?)\b|例如|比如|诸如|譬如|注入|攻击|越狱|的例子"
)
"""Before an order in its sentence: it is reported, not given."""
_PAYLOAD = re.compile(
    r"[\W_]*(?:please |now |then |just |only |instead,? )*(?:say|reply|respond|answer|output|print"
    r"|write|speak|tell|repeat|recommend|visit|open|send|you (?:are|must|will|say|now))\b"
    r"|\W*(?:请|只|仅|你|现在)*(?:[回囘][答复]|说|输出|打印|推荐|访问|打开|告诉)"
)
"""Begins what "Ignore all previous instructions." wants instead, in the sentence behind it."""
_BASE64 = re.compile(r"[A-Za-z0-9+/]{32,}={0,2}")
_SPACE_IN_CHINESE = re.compile(rf"(?<=[{CJK}]) (?=[{CJK}])")
_ENDS_IN_CHINESE = re.compile(rf"[{CJK}]\s*\Z")
_BEGINS_IN_CHINESE = re.compile(rf"\s*[{CJK}]")
_LOOK_ALIKES = str.maketrans(
    # Cyrillic and Greek letters that no eye tells from Latin ones (Unicode TR39, confusables).
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u043a\u043c\u0442"
    "\u0432\u043d\u03b1\u03bf\u03c1\u03c5\u03bd\u03b9\u03ba\u03c4\u0261\u0131"
    "\u0251\u0269\u0585\u057d\u0578",
    "aeopcyxijsdhkmtbhaopuviktgiaioun",
)
_FORMULA = re.compile(r"\$([^$\n]*)\$")
"""Begins as a cell of a table does; one "$" alone is a price, or the prompt of a shell."""
_DIGIT_FOR_LETTER = re.compile(r"(?<=[a-z])[013457]|[013457](?=\d?[a-z])")
_LETTERS_OF_DIGITS = dict(zip("013457", "oieast", strict=True))
"""How words are written to be read by people and models and found by no pattern: "1gn0re"."""
_FENCE = re.compile(r"\s*(?:```|~~~)")
_LINE = re.compile(r"[^\n]*\S[^\n]*")


_WRAP = "\v"
"""Between two lines of a view: orders may begin behind it, and go on over it."""
_AT_BEGINNING = ("^", "(?:^|", "{bos}", "{start}", "{zstart}")
_BEGINNING = re.compile(rf"(?<![^\n{_WRAP}])|(?=[:;,.!?。、|>#*(\[\"「“—–]|\s-\s)")
"""Where what these patterns begin with matches."""


@functools.cache
def _patterns() -> tuple[str, str, str]:
    """Return words that every order has one of, and the orders of `orders.txt`, as patterns.

    Those that begin where a clause does come first, for they need be tried nowhere else.
    """
    names: dict[str, str] = {}
    beginning: list[str] = []
    anywhere: list[str] = []
    for line in _PATTERNS.read_text("utf-8").splitlines():
        if not line or line == "#" or line.startswith("# "):
            continue
        name, equals, value = line.partition(" = ")
        is_name = bool(equals) and name.isidentifier()
        filled = re.sub(r"\{([a-z_]+)\}", lambda found: names[found[1]], value if is_name else line)
        if is_name:
            names[name] = filled
        else:
            ends = filled.replace("^", rf"(?<![^\n{_WRAP}])").replace("$", rf"(?![^\n{_WRAP}])")
            patterns = beginning if line.startswith(_AT_BEGINNING) else anywhere
            patterns.append(ends.replace(" ", r"\s"))
    return names["hint"], "|".join(beginning), "|".join(anywhere)


@functools.cache
def _hint() -> re.Pattern[str]:
    return re.compile(_patterns()[0])


@functools.cache
def _orders() -> tuple[re.Pattern[str], re.Pattern[str]]:
    # Compiled when the first text has a hint, which few have: that takes .1 s.
    _, beginning, anywhere = _patterns()
    return re.compile(beginning), re.compile(anywhere)


def addresses_a_model(text: str) -> bool:
    """Return whether a text of a page speaks to a language model instead of to a reader."""
    return bool(_order_spans(text))


def _order_spans(text: str) -> list[Span]:
    """Return the ranges of the sentences of a text that give a model orders."""
    masked = _LINE.sub(lambda line: _FORMULA.sub(r"|\1|", _without_quotations(line[0])), text)
    spans = _sentences(masked)
    folded = [
        _SPACE_IN_CHINESE.sub("", " ".join(fold_text(masked[start:end]).split()))
        for start, end in spans
    ]
    places = {n for n, (start, end) in enumerate(spans) if _has_encoded_order(text[start:end])}
    # A line's hyphen may belong to a word, or break it.
    views = [
        [_with_gap(text, spans, n, line, broken=b) for n, line in enumerate(folded)]
        for b in (False, True)
    ]
    for parts in views[: 1 if views[0] == views[1] else 2]:
        starts = [0, *itertools.accumulate(map(len, parts))]
        view = "".join(parts)
        alike = view.translate(_LOOK_ALIKES)
        plain = _DIGIT_FOR_LETTER.sub(lambda digit: _LETTERS_OF_DIGITS[digit[0]], alike)
        for spelling in {view, alike, plain}:
            for start, end in _matches(spelling):
                places.update(range(bisect_right(starts, start) - 1, bisect_right(starts, end - 1)))
    # The places of orders with those behind them that say what the orders want.
    found = set(places)
    for place in places:
        for after in range(place + 1, min(place + 1 + MAX_PAYLOAD_SENTENCES, len(spans))):
            gap = text[spans[after - 1][1] : spans[after][0]]
            if gap.count("\n") > 1 or not _PAYLOAD.match(folded[after]):
                break
            found.add(after)
    return [spans[n] for n in sorted(found)]


def _sentences(text: str) -> list[Span]:
    """Return the ranges of sentences; marks in addresses and images end none: "?q=", "![logo]"."""
    spans: list[Span] = []
    for start, end in sentence_spans(text):
        if spans and spans[-1][1] == start and text[start - 1] in "!?" and text[start].isascii():
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _with_gap(text: str, spans: Sequence[Span], place: int, sentence: str, *, broken: bool) -> str:
    """Return a folded sentence with what is between it and the next one in a view."""
    if place + 1 == len(spans) or text.count("\n", spans[place][1], spans[place + 1][0]) != 1:
        return f"{sentence}\n"
    start, end = spans[place]
    following = text[slice(*spans[place + 1])]
    if broken and text[end - 1] in "-\u2010\u00ad":
        return sentence.rstrip("-\u2010")
    if broken and _ENDS_IN_CHINESE.search(text[start:end]) and _BEGINS_IN_CHINESE.match(following):
        return sentence
    if text[end - 1] in ".!?。！？；…":
        return f"{sentence}\n"
    # In the midst of a sentence that plain text was wrapped in nothing begins.
    wrapped = end - start >= MIN_WRAP_CHARACTERS and following[:1].islower()
    return f"{sentence} " if wrapped else f"{sentence}{_WRAP}"


def _matches(view: str) -> Iterator[Span]:
    """Yield where orders are in folded sentences, from their first word on."""
    regions: list[list[int]] = []
    for found in _hint().finditer(view):
        start, end = found.start() - MAX_ORDER_CHARACTERS, found.end() + MAX_ORDER_CHARACTERS
        if regions and start <= regions[-1][1]:
            regions[-1][1] = end
        else:
            regions.append([max(0, start), end])
    if not regions:
        return
    beginning, anywhere = _orders()
    for region in regions:
        places = _BEGINNING.finditer(view, *region)
        orders = [beginning.match(view, place.start()) for place in places]
        for order in (*orders, *anywhere.finditer(view, *region)):
            if order is None:
                continue
            first = next((n for n in range(*order.span()) if view[n].isalnum()), order.start())
            sentence = view.rfind("\n", 0, first) + 1
            if not _EXPLAINS.search(view, sentence, first):
                yield first, order.end()


def _without_quotations(line: str) -> str:
    """Return a line with "_" for letters of what it quotes and says something about."""
    if not any(mark in line for mark in '"“「`'):
        return line

    def masked(found: re.Match[str]) -> str:
        before, after = line[: found.start()].rstrip(), line[found.end() :].lstrip(" .。!?！？")
        begins = not before.strip("-*>#|•0123456789.) ") or before[-1] in ".!?。！？"
        if begins and (not after or found[0][-2] in ".!?。！？"):
            return found[0]  # a sentence of its own, whatever it is between
        around = before + after
        letters = len(_LETTER.findall(around)) + len(re.findall(rf"[{CJK}]", around))
        # Ends of sentences go too: the line's sentence is the one around.
        inner = re.sub(r"[^\s\d\"“”「」`,:/\[\]()!]", "_", found[0])
        return inner if letters >= MIN_LETTERS_AROUND else found[0]

    return _QUOTED.sub(masked, line)


def _has_encoded_order(text: str) -> bool:
    for found in _BASE64.findall(text):
        try:
            decoded = base64.b64decode(found, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if _BASE64.search(decoded) is None and addresses_a_model(decoded):
            return True
    return False


def plays_a_turn(line: str) -> bool:
    """Return whether a line outside of code begins with what a chat template sets between turns.

    Pages that explain templates quote them as code, or name them within a sentence, where they are
    defused and stay.
    """
    return _TURN.search(_CODE.sub("", line)) is not None


def _played(lines: Sequence[str]) -> set[int]:
    """Return the places of turns that a page plays, with what follows each."""
    # What is behind "<|im_start|>assistant", or behind a fence that the page closes itself.
    turns = [n for n, line in enumerate(_outside_code(lines)) if line and plays_a_turn(line)]
    return {n for turn in turns for n in range(turn, min(turn + 1 + MAX_TURN_LINES, len(lines)))}


def orders_to_a_model(lines: Sequence[str]) -> set[int]:
    """Return the places of the lines that speak to a model, alone or with those beside them."""
    starts = [0, *itertools.accumulate(len(line) + 1 for line in lines)]
    places = _played(lines)
    for start, end in _order_spans("\n".join(lines)):
        places.update(range(bisect_right(starts, start) - 1, bisect_right(starts, end - 1)))
    return places


def _outside_code(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines, "" for those of fenced code."""
    inside = False
    for line in lines:
        fence = _FENCE.match(line) is not None
        yield "" if inside or fence else line
        inside ^= fence


@functools.lru_cache(maxsize=64)  # a passage is looked at once for the prompt, once for evidence
def blank_orders(text: str) -> str:
    """Return the text with spaces for sentences that give a model orders: all else stays in place.

    What is behind such a sentence goes with it where it says what to do instead.
    """
    lines = list(_LINE.finditer(text))
    played = _played([line[0] for line in lines])
    blanked = [lines[place].span() for place in played] + _order_spans(text)
    if not blanked:
        return text
    characters = list(text)
    for start, end in blanked:
        characters[start:end] = ("\n" if c == "\n" else " " for c in text[start:end])
    return "".join(characters)
