"""What a model writes to point at a passage: [2], (Source 2), ², ①, [cite: 2], 【2:0†source】."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from ingest.text.numerals import parse_numeral

MAX_RANGE_NUMBERS = 20
"""Numbers in a marker such as [1-3]; a longer range is no citation."""

_SOURCE = (
    r"(?:sources?|src|footnotes?|(?:search )?results?|ref(?:erence)?s?|passages?|citations?|cites?"
    r"|pages?|documents?|docs?|doc[ _]?id|id|chunks?|snippets?|excerpts?|evidence|context|web"
    r"|notes?|来源|出处|参考(?:文献|资料|来源)?|文献|资料|材料|信息|脚?注|(?:搜索|检索)?结果|段落?|片段|笔记|网页|引用|文档"
    r"|证据)"
)
_IN_PARENTHESES = (
    r"(?:sources?|ref(?:erence)?s?|passages?|citations?|cites?|docs?|chunks?|snippets?|footnotes?"
    r"|来源|出处|参考(?:文献|资料|材料|来源)?|文献|资料|材料|段落|引用|证据)"
)
_NUMBER = (
    rf"\^?\s*#?\s*(?:{_SOURCE}\s*-|{_SOURCE}?\s*[_:#.№]?)\s*(?:\d{{1,3}}|第\s*\d{{1,3}}\s*个?(?:段落?|来源|篇"
    rf"|页|则|号|条资料)|\d{{1,3}}\s*号(?:段落|来源|资料))\^?"
)
_ORDINALS = r"第 ?\d{1,3}(?: ?(?:[,、~–-]|至|到|和|与|及) ?第? ?\d{1,3}){0,6} ?个?(?:段落?|来源)"
"""One word for several: 第2、9段. Pages, articles and numbers are the text's own: 合同（第3页）."""
_POINTING = (
    r"(?:cf\.|(?:see|cf|from(?!\s*\d)|per(?!\s*\d)|sources?|refs?)\b"
    r"|参?见|参考|参阅|引自|来自|据|来源|出处|资料)"
)
_JOINED = r"(?:[,;、&/|+~–-]|and|to|以及|和|与|及|至)"
_MARKER = re.compile(
    rf"\s*(?:{_POINTING}\s*[:：]?)?\s*(?:{_NUMBER}(?:\s*{_JOINED}\s*{_NUMBER})*|{_ORDINALS})\s*",
    re.IGNORECASE,
)
_NUMERAL_ZH = re.compile(
    r"(?<=第)[一二三四五六七八九十]{1,3}(?=\s*个?(?:段|来源|篇))"
    r"|(?<=来源|资料|材料|段落|片段|笔记|文献|证据|引用)[一二三四五六七八九十]{1,3}$"
)
_FILE_SEARCH = re.compile(r"\s*(\d{1,3})(?::\d{1,3})?\s*†.*")
_RANGE = re.compile(
    rf"(\d+)(?:\^?\s*(?:[~–-]|to|至)\s*\^?#?{_SOURCE}?\s*[:#.]?\s*(\d+))?", re.IGNORECASE
)
MARKER_BEGUN = re.compile(
    rf"[\[【［〔]\s*\^?\s*{_SOURCE}?\s*[:#.：]?[\d\s,，、;；^-]*\Z", re.IGNORECASE
)
PARENTHESES = re.compile(
    rf"[(（]\s*(?:see\s+|参?见|参考(?=资料|材料|来源|段落))?(?P<inside>{_IN_PARENTHESES}\s*[:：#.]?\s*(?:\d{{1,3}})"
    rf"(?:\s*[,，、;；&/~–-]?\s*(?:and|和|与)?\s*{_IN_PARENTHESES}?\s*[:：#.]?\s*\d{{1,3}})*"
    rf"|{_ORDINALS})\s*[)）]",
    re.IGNORECASE,
)
OWN_PARTS = re.compile(
    r"(?:》|课文|小说|原文|正文|全文|文章|散文|短文|作文|论文|诗歌?|剧本|歌词|译文|故事|日记|演讲稿?)\s?$"
)
"""Before （第3段）: a text that has parts of its own."""
_BRACKETED = r"[\[【［〔][^\[\]【】［］〔〕()（）\n]{1,24}[\]】］〕]"
BRACKETS = re.compile(
    rf"[(（]\s*(?P<pointing>{_POINTING}\s*[:：]?)?\s*"
    rf"(?P<inside>{_BRACKETED}(?:\s*[,，、;；]?\s*(?:and|和|与|及)?\s*{_BRACKETED})*)\s*[)）]",
    re.IGNORECASE,
)
"""Markers in parentheses with a word that points at them: (see [2]), （见[2]、[3]）."""
BRACKETS_BEGUN = re.compile(
    r"[(（]\s*(?:[a-z]{0,7}\.?|[\u4e00-\u9fff]{0,2})\s?[:：]?\s?"
    r"(?:[\[【［〔][^\[\]【】［］〔〕()（）\n]{1,24}[\]】］〕]\s*[,，、;；]?\s*(?:and?|和|与|及)?\s*)*"
    r"(?:[\[【［〔][^\[\]【】［］〔〕()（）\n]{0,24})?\Z",
    re.IGNORECASE,
)
NESTED = re.compile(rf"\[(?P<inside>{_BRACKETED}(?:\s*[,，、;；]?\s*{_BRACKETED})+)\s*\]")
"""[[2], [9]]."""
NESTED_BEGUN = re.compile(
    rf"\[{_BRACKETED}(?:\s*[,，、;；]?\s*{_BRACKETED})*\s*[,，、;；]?\s*(?:[\[【［〔][^\[\]()\n]{{0,24}})?\Z"
)
EMPTY_ELEMENT = re.compile(
    r"<(?:ref|cite|source|citation)\s+id\s*=\s*[\"']?(?P<number>\d{1,3})[\"']?\s*/>",
    re.IGNORECASE,
)
PARENTHESES_BEGUN = re.compile(
    r"[(（]\s*(?:see\s+"
    r"|参?见)?第?[a-z\u4e00-\u9fff]{0,10}[\s:：#.,，、;；&\d和与段]{0,24}(?:and)?[a-z\u4e00-\u9fff\s]{0,9}\d{0,3}\Z"
    r"|[(（]\s*(?:see\s+|见)?第[\s\d第,、~–至到和与及-]{0,60}(?:个|个?(?:段落?|来源?)\s*)?\Z",
    re.IGNORECASE,
)
ELEMENT = re.compile(
    r"<(?P<name>sup|cite|ref|source"
    r"|citation)\b[^>\n]{0,60}>[^\S\n]*(?P<inside>[^<\n]{0,80}?)[^\S\n]*</(?P=name)>",
    re.IGNORECASE,
)
ELEMENT_BEGUN = re.compile(
    r"<(?:s?|su|sup|so|sou|sour|sourc|source|c|ci|cit|cite|citation|r|re"
    r"|ref)(?:[ >][^<\n]{0,140}(?:<(?:/[a-z]*)?)?)?\Z",
    re.IGNORECASE,
)
BRACES = re.compile(
    rf"\{{{{?\s*{_SOURCE}?\s*[:#.]?\s*(?P<number>\d{{1,3}})\s*\}}?\}}", re.IGNORECASE
)
BRACES_BEGUN = re.compile(r"\{\{?[\sa-z:#.]{0,12}\d{0,3}\s?\}?\Z", re.IGNORECASE)
RAGFLOW = re.compile(r"##(?P<number>\d{1,3})\$\$")
RAGFLOW_BEGUN = re.compile(r"#(?:#\d{0,3}\$?)?\Z")
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
SUPERSCRIPT_RUN = re.compile(rf"[{SUPERSCRIPTS}]+(?:[,，˒'·⁻-][{SUPERSCRIPTS}]+)*")
CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
CIRCLED_RUN = re.compile(rf"[{CIRCLED}]+")

_EMPHASIS = re.compile(r"[*_]{1,3}")
_LINK_IN_MARKER = re.compile(r"\[?\s*([^\[\]()]*?)\s*\]?\([^()\s]*\)")
_INDEXED = re.compile(r"(?:^|[^A-Za-z0-9_])(?:[a-z]|\w*_\w*|\w*[a-z][A-Z]\w*|[A-Za-z]+\d\w*)$")
_MEMBER = re.compile(r"(?:[.$&]|->|::)\w*$|[\]})]$")
_CODE_NAME = re.compile(
    r"(?<![A-Za-z0-9_])(?:arr|array|list|lst|items?|data|args|argv|kwargs|nums?|matrix|vec|vector|rows?|cols?"
    r"|columns?|buf"
    r"|buffer|str|string|dp|dict|map|values?|keys?|elements?|idx|index|tuple|table|stack|queue"
    r"|tokens?|params"
    r"|results?|output|input|lines?|chars?|bytes|memory|mem|ptr|obj|node|tree|graph|self|this|df"
    r"|tensor|batch"
    r"|sys|env|int|char|float|double|byte)$"
)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*$")
_CALL_OPEN = re.compile(r"[A-Za-z_]\w*\([^()]*$")
_ASSIGNED = re.compile(r"(?:=|==|\+=|:=|\breturn|[\"']\s*:|\\|\$|[∈⊂⊆∪∩×]|\bprint\s*\(?)\s*$")
_INTERVAL = re.compile(
    r"(?:\b(?:intervals?|ranges?|ranging|between|domain|set|segment|bounds?|limits|scale|class"
    r"|regex|pattern)"
    r"(?:\s+(?:is|of|from|in|are|like|such as))?|区间|范围(?:是|为|在)?|集合|值域|定义域|取值|属于"
    r"|介于)\s*[:：]?\s*$",
    re.IGNORECASE,
)
_NOUN = re.compile(
    r"(?:(?:^|[\s(（\"“])(?:in|by|from|of|with|per|under|as|to|than|et al\.?)\s+|(?:在|见|参见"
    r"|参考|根据|依据|按照|据|如|由)\s?)$",
    re.IGNORECASE,
)
_INDEXED_NOUN = re.compile(
    r"(?:数组|列表|元组|切片|向量|下标|索引|元素|序列|字典|矩阵|指针|位置|\b(?:index|indices|subscript"
    r"|element|item|offset|position|array|list|tuple|vector|matrix)) ?$|['\"]\]$",
    re.IGNORECASE,
)
"""Before [0], which is no passage: what has a first element."""
_LISTED_BEHIND = re.compile(
    r"(?:\b(?:is|are|was|were|be|equals?|returns?|returned|gives?(?: you)?|yields?|prints?|outputs?"
    r"|such as|like|contains?)|是|为|等于|返回|得到|输出|即|如) ?$",
    re.IGNORECASE,
)
"""Before [[1], [2]], which is the value that is spoken of."""
_INDEX_ITSELF = re.compile(r"(?:下标|索引|\bsubscript) ?$", re.IGNORECASE)
_CODE_BEHIND = re.compile(r"\.[a-z_]|\s?(?:[-+*/]?=|->)|\(|\[[\"'a-z]")
_SHORT_BASE = re.compile(
    r"(?:[\d)\]}^]|(?:^|[^A-Za-z])[A-Za-z]{1,3}|[米里寸尺秒克升]|metres?|meters?|feet|miles?"
    r"|inch(?:es)?|kilometers?"
    r"|kilometres?|seconds?|[α-ωΑ-Ω])$"
)
_RAISED_BEFORE = re.compile(r"[⁺⁻⁽ⁿ₀-₉₊₋]$")
_RAISED_BEHIND = re.compile(r"[⁺⁻⁾⁄ⁿ]")


_LABEL = re.compile(
    r"\s*(?:材料|信息|(?:搜索|检索)?结果|(?:search )?results?|footnotes?)\s*[#:：]?\s*"
    r"[\d一二三四五六七八九十]",
    re.IGNORECASE,
)
"""Names of sources that texts give to their own parts, too."""
_LINE_BEGUN = re.compile(r"\s*(?:[-*+•>#|]{1,6}|\d{1,3}[.)、])?\s*\Z")
LABEL_BEHIND = 2
"""Characters behind 【材料1】 that tell a label from a marker."""

Kind = Literal["word", "space", "newline", "end", "marker", "code", "address", "link"]


@dataclass(frozen=True, slots=True)
class AnswerUnit:
    """The smallest piece of an answer that is handled as a whole."""

    kind: Kind
    text: str
    numbers: tuple[int, ...] = ()
    """Passages that a marker cites."""
    noun: bool = False
    """A marker that its sentence needs."""
    label: str = ""
    address: str = ""
    """Address of a link, or the address in the text without the punctuation that ends its sentence.
    """


def marker_numbers(inside: str) -> tuple[int, ...]:
    """Return the passage numbers between a marker's brackets, none if it is no marker."""
    text = unicodedata.normalize("NFKC", inside)
    if found := _FILE_SEARCH.fullmatch(text):
        return (int(found[1]),)
    text = _EMPHASIS.sub("", _LINK_IN_MARKER.sub(r"\1", text))
    text = _NUMERAL_ZH.sub(lambda found: parse_numeral(found[0]) or found[0], text)
    if not _MARKER.fullmatch(text):
        return ()
    numbers: list[int] = []
    for found in _RANGE.finditer(text):
        first, last = int(found[1]), int(found[2] or found[1])
        if last - first >= MAX_RANGE_NUMBERS:
            return ()
        numbers += range(first, last + 1) if last > first else [first, last]
    return tuple(dict.fromkeys(numbers))


def bracketed_numbers(inside: str) -> tuple[int, ...]:
    """Return the numbers of several markers beside one another, none if one of them is none."""
    parts = re.findall(_BRACKETED, inside)
    numbers = [marker_numbers(part[1:-1]) for part in parts]
    return tuple(dict.fromkeys(n for some in numbers for n in some)) if all(numbers) else ()


def superscript_numbers(run: str) -> tuple[int, ...]:
    """Return the numbers of superscript digits: ¹² is twelve, ¹,² one and two."""
    digits = run.translate({ord(c): str(value) for value, c in enumerate(SUPERSCRIPTS)})
    return tuple(dict.fromkeys(int(part) for part in re.findall(r"\d+", digits)))


def circled_numbers(run: str) -> tuple[int, ...]:
    """Return the numbers of ①②."""
    return tuple(dict.fromkeys(CIRCLED.index(character) + 1 for character in run))


def is_index(before: str, after: str, numbers: tuple[int, ...]) -> bool:
    """Return whether a bracket follows what it indexes, as in `a[0]`, `arr[12]`, `$.data[7].name`.

    `before` and `after` are what is around it on its line.
    """
    if (0 in numbers and _INDEXED_NOUN.search(before)) or _INDEX_ITSELF.search(before):
        return True
    if not _IDENTIFIER.search(before) and not before.endswith(("]", ")")):
        return False
    # Passages are numbered from 1, so a 0 after any name is an index.
    if 0 in numbers and _IDENTIFIER.search(before):
        return True
    # A second index, a[0][1], unlike two markers, [1][2], follows a name somewhere before it.
    if before.endswith(("]", ")")):
        return bool(re.search(r"\w[\])]$", before)) and bool(_CODE_BEHIND.match(after))
    return bool(
        _INDEXED.search(before)
        or _MEMBER.search(before)
        or _CODE_NAME.search(before)
        or _CALL_OPEN.search(before)
        or _CODE_BEHIND.match(after)
    )


def is_interval(inside: str, before: str, numbers: tuple[int, ...]) -> bool:
    """Return whether a bracket is an interval, a list of values or a class of characters."""
    if _ASSIGNED.search(before) or before.endswith(("\\", "$", "^")):
        return True
    # A single number in brackets is a list of one only where something is assigned.
    several = len(numbers) > 1 or bool(re.search(r"\d\s*[-–,，~]\s*\d", inside))
    return several and (0 in numbers or bool(_INTERVAL.search(before)))


def is_label(inside: str, before: str, behind: str) -> bool:
    """Return whether 【材料1】 begins a line, is a part of a sentence or has a colon behind it."""
    if not _LABEL.match(inside):
        return False
    goes_on = behind[:1].isalnum() or behind.lstrip()[:1] in (":", "：")
    return goes_on or _LINE_BEGUN.match(before) is not None


def is_noun(before: str) -> bool:
    """Return whether the sentence needs the bracket as its noun: "In [5], the authors"."""
    return bool(_NOUN.search(before))


def is_exponent(before: str, after: str = "") -> bool:
    """Return whether a raised number is a power, a charge or a unit's: m², 10⁻³¹, SO₄²⁻, ¹⁴C.

    `before` and `after` are what is around it.
    """
    if not before.strip() or _SHORT_BASE.search(before) or _RAISED_BEFORE.search(before):
        return True
    isotope = not before[-1:].isalnum() and re.match(r"[A-Z]", after)
    return bool(_RAISED_BEHIND.match(after) or (isotope and before[-1:] in " (/-"))


def number_run(rest: str, *, before: str, final: bool) -> AnswerUnit | None:
    """Return a run of ①② or of ¹² as a marker, as a word where it is none."""
    circled = rest[0] in CIRCLED
    found = (CIRCLED_RUN if circled else SUPERSCRIPT_RUN).match(rest)
    assert found
    run, behind = found[0], rest[found.end() :]
    # What makes an exponent of a superscript is up to two characters.
    if len(behind) < (1 if circled else 2) and not final:
        return None
    if circled:
        # ①登记 begins a point of a list, 灯光①。 cites.
        begins = behind and (behind[0].isalnum() or behind[0] in " \u3000、.（(「“《")
        is_text = begins or not before[-1:].isalnum()
    else:
        is_text = is_exponent(before, behind)
    if is_text:
        return AnswerUnit("word", run)
    numbers = circled_numbers(run) if circled else superscript_numbers(run)
    return AnswerUnit("marker", run, numbers)


def source_in_parentheses(rest: str, before: str, *, final: bool) -> AnswerUnit | None:
    """Return the marker （资料2）, an empty unit if there is none, None if it takes more text."""
    none = AnswerUnit("word", "")
    # 《合同》（第3段） and 课文（第3段） are about a part of what they name.
    named = OWN_PARTS.search(before) and rest[1:].lstrip().startswith("第")
    if named or not (found := PARENTHESES.match(rest)):
        return none
    behind = rest[found.end() :][:LABEL_BEHIND]
    if _LABEL.match(found["inside"]):
        if len(behind) < LABEL_BEHIND and not final:
            return None
        if is_label(found["inside"], before, behind):
            return none
    return AnswerUnit("marker", found[0], marker_numbers(found["inside"]))


def pointed_at(rest: str, before: str) -> AnswerUnit | None:
    """Return (see [2]) or ([2], [9]) with its parentheses; of a call they are arguments."""
    found = BRACKETS.match(rest)
    numbers = bracketed_numbers(found["inside"]) if found else ()
    glued = before[-1:].isascii() and (before[-1:].isalnum() or before[-1:] == "_")
    if not found or not numbers or glued or 0 in numbers:
        return None
    # Without a word that points, one bracket alone may be an interval: 区间（[0, 1]）.
    several = len(re.findall(_BRACKETED, found["inside"])) > 1
    marked = found["pointing"] or (several and not is_interval("1,2", before, numbers))
    return AnswerUnit("marker", found[0], numbers) if marked else None


def nested_markers(rest: str, before: str) -> AnswerUnit | None:
    """Return the marker [[2], [9]], or as a word the list of lists that it may be, too."""
    found = NESTED.match(rest)
    numbers = bracketed_numbers(found["inside"]) if found else ()
    if not found or not numbers:
        return None
    listed = is_interval("1,2", before, numbers) or is_index(before, "", numbers)
    if listed or _LISTED_BEHIND.search(before) or _INDEXED_NOUN.search(before):
        return AnswerUnit("word", found[0])
    return AnswerUnit("marker", found[0], numbers, noun=is_noun(before))
