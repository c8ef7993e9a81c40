"""Thinking that begins a reply and looks as text may: unusual tags, headings, folded details.

It is thinking only where it is closed and an answer follows.
"""

import re
from dataclasses import dataclass

THINKING_NAMES = (
    *("think", "thinking", "thought", "thoughts", "reasoning", "seed:think", "mythink"),
    *("analysis", "reflection", "scratchpad", "inner_monologue", "思考", "思考过程"),
    *("longcat_think", "minimax:think"),
)
"""Names of tags that nothing but thinking has."""
_SOFT_NAME = (
    r"(?:(?:pre|self|inner|internal|hidden|private|silent|deep|think|thinking|ant|my|chain[ _-]?of)"
    r"[ _-]?)?"
    r"(?:think(?:ing|s)?|thoughts?|reason(?:s|ing)?|reflect(?:ions?|ing)?|deliberat(?:e|ions?)"
    r"|ponder(?:ing)?|brainstorm(?:ing)?|contemplat(?:e|ions?)|considerations?|monologues?|musings?"
    r"|cot|rationale|plan(?:ning)?|draft|working|internal|analysis|scratch[ _-]?pad"
    r"|step[ _-]by[ _-]step|notes?[ _-]to[ _-]self)"
    r"(?:[ _-]?(?:process|steps?|mode|block|trace|content|section|notes?|fast|slow|loud|\d))?"
    r"|(?:[a-z]{1,12}[ _-]){1,3}(?:think|thinking|thoughts?|reasoning|cot)(?:[ _-][a-z]{1,12})?"
    r"|(?:(?:内心|内部|思考|思维|推理|分析)(?:独白|过程|链|步骤)?|思路)"
)
"""Names that texts about markup use, too: reason, internal_reasoning, step_by_step, 思维过程."""
_LONGEST_NAME = 40
"""Characters of the name of a tag."""

_LONGEST_GAP = 80
"""White space behind a tag that is looked at; without a bound a run of it costs its square."""
_SEARCHED_INSIDE = 2000
"""Characters of what stands between two tags in which an example of markup shows."""
LONGEST_CLOSING = 80
"""Characters of what ends thinking."""
GAP = r"[^\S\n]{0,3}"
THINKING_NAME = "|".join(map(re.escape, sorted(THINKING_NAMES, key=len, reverse=True)))

_LINE = r"[^\S\n]*\n\s*(?![a-z])\S"
_ANSWER = re.compile(_LINE + r"|[^\sa-z.,;:!?…)\]。，、；：！？）】」』”’\"'`]")
"""How an answer begins behind its thinking: not as a sentence goes on that names a tag."""


@dataclass(frozen=True, slots=True)
class _SoftStyle:
    """How one kind of it begins and ends."""

    opening: re.Pattern[str]
    closing: re.Pattern[str]
    begun: re.Pattern[str] | None = None
    """What may become its opening, for those that are no tags."""
    answer: re.Pattern[str] = _ANSWER
    text: re.Pattern[str] | None = None
    """What is inside where it is no thinking."""


def _prefixes(*wholes: str) -> str:
    """Return a pattern of all proper beginnings, the empty one too."""
    cuts = {whole[:cut] for whole in wholes for cut in range(len(whole))}
    return f"(?:{'|'.join(map(re.escape, sorted(cuts, key=len, reverse=True)))})"


def _soft_tag(begin: str, end: str) -> _SoftStyle:
    begun, ended = _prefixes(begin), _prefixes(end)
    begin, end = re.escape(begin), re.escape(end)
    name = rf"{GAP}(?:{THINKING_NAME}|{_SOFT_NAME}){GAP}"
    opened = rf"{GAP}(?:(?P<certain>{THINKING_NAME})|{_SOFT_NAME}){GAP}"
    return _SoftStyle(
        re.compile(rf"\s*{begin}{opened}{end}(?![^\S\n]{{1,{_LONGEST_GAP}}}\S)", re.IGNORECASE),
        re.compile(rf"{begin}{GAP}\\?/{name}{end}", re.IGNORECASE),
        re.compile(
            rf"\s*(?:{begin}{GAP}(?:[\w:][\w :-]{{0,{_LONGEST_NAME}}}{ended})?|{begun})\Z",
            re.IGNORECASE,
        ),
        # An example of markup: other tags, or one value.
        text=re.compile(
            rf"(?s:.{{0,{_SEARCHED_INSIDE}}}?)(?:{begin}/\w|/{end})"
            r"|\s*(?:[A-Z]\w{0,40}|[\d.,:/-]{1,40}|true|false|yes|no|null|none)\s*\Z"
        ),
    )


# As they are, and as servers and filters escape them.
_SOFT_TAGS = (
    *(("<", ">"), ("&lt;", "&gt;"), ("\\u003c", "\\u003e"), ("＜", "＞"), ("{", "}")),
    *(("[", "]"), ("【", "】"), ("《", "》")),
)
_THINKING_LABELS = (
    *("thought", "thoughts", "thinking", "reasoning", "thought process", "thinking process"),
    *("reasoning process", "reasoning steps", "my thoughts", "my reasoning", "chain of thought"),
    *("思考", "思考过程", "推理", "推理过程", "思维过程", "思路"),
)
_THINKING_LABEL = f"(?:{'|'.join(sorted(_THINKING_LABELS, key=len, reverse=True))})"
_ANSWER_LABEL = (
    r"(?:(?:final |my )?(?:answer|response)|(?:最终)?(?:回答|答案|答复)|正式回答|最终结论)"
)
_SUMMARY = (
    r"\W{0,4}(?:thoughts?|thinking|reasoning|(?:thinking|thought|reasoning) (?:process|trace|steps)"
    r"|chain of thought|thought for (?:(?:about )?\d[^<>\n]{0,25}|a (?:moment|second|minute|while|"
    r"bit|few seconds|couple of seconds))|(?:思考|推理)(?:过程|中)|思维链"
    r"|(?:已|深度|已深度)思考(?:完成|过程)?(?:\W{0,2}(?:用时|耗时)?\W?[\d.]{1,6}\W?秒)?)\W{0,4}"
)
_SOFT_STYLES = (
    *(_soft_tag(*tag) for tag in _SOFT_TAGS),
    # Under headings, in bold or behind labels, the answer under one of its own.
    _SoftStyle(
        re.compile(
            rf"\s*(?:#{{1,6}}\s{_THINKING_LABEL}[:：]?[^\S\n]*(?=\n)|\*\*{_THINKING_LABEL}"
            rf"(?:[:：]\*\*|\*\*[:：]?)|{_THINKING_LABEL}[:：](?=\s)|【{_THINKING_LABEL}】)",
            re.IGNORECASE,
        ),
        re.compile(
            rf"\n[^\S\n]*(?:#{{1,6}}\s{_ANSWER_LABEL}[:：]?[^\S\n]*(?=\n)|\*\*{_ANSWER_LABEL}"
            rf"(?:[:：]\*\*|\*\*[:：]?)|{_ANSWER_LABEL}[:：]|【{_ANSWER_LABEL}】)",
            re.IGNORECASE,
        ),
        re.compile(
            rf"\s*(?:#{{1,6}}\s?|\*{{1,2}}|【)?(?:{_prefixes(*_THINKING_LABELS)}"
            rf"|{_THINKING_LABEL}[:：]?\*{{0,2}}[^\S\n]*)\Z",
            re.IGNORECASE,
        ),
        re.compile(r"\s*\S"),
        # Both halves cite: two parts of an answer.
        re.compile(r"(?s:.{0,4000}?)[\[【]\^?\d{1,3}[\]】]"),
    ),
    # Harmony's channels without their special tokens.
    _SoftStyle(
        re.compile(r"\s*analysis(?=\w)"),
        re.compile(r"assistantfinal(?=[\w#*$\[\"“「《【-])"),
        re.compile(r"\s*(?:a|an|ana|anal|analy|analys|analysi|analysis)\Z"),
        re.compile(r"\s*\S"),
    ),
    # A fenced block that says so.
    _SoftStyle(
        re.compile(r"\s*```(?:think|thinking|thought|reasoning)[^\S\n]*(?=\n)", re.IGNORECASE),
        re.compile(r"\n```(?P<nested>\w)?"),
        re.compile(r"\s*`{1,3}(?:(?<=```)[a-z]{0,9}[^\S\n]*)?\Z", re.IGNORECASE),
        re.compile(_LINE),
    ),
    # Open WebUI, and pages that fold it.
    _SoftStyle(
        re.compile(
            r"\s*<details(?:(?: [^<>\n]{0,80})? type=\"reasoning\"[^<>\n]{0,80}>\s*<summary>"
            rf"[^<>\n]{{0,90}}|(?: [^<>\n]{{0,80}})?>\s*<summary>{_SUMMARY})</summary>",
            re.IGNORECASE,
        ),
        re.compile(r"</details>|(?P<nested><details)", re.IGNORECASE),
        re.compile(
            r"\s*<(?:d|de|det|deta|detai|detail|details(?: [^<>\n]{0,180})?(?:>\s*(?:<(?:[a-z]{0,7}"
            r"(?:(?<=summary)>[^<>\n]{0,90}(?:</?[a-z]{0,7})?)?)?)?)?)?\Z",
            re.IGNORECASE,
        ),
    ),
)


def begin_softly(
    text: str, searched: int = 0
) -> tuple[re.Match[str], re.Match[str] | None, bool] | None:
    """Return the opening and the closing of thinking that looks as text may, if it begins `text`.

    The last part says whether more text cannot change this; certain and no closing is prose. Up to
    `searched` no closing was found before.
    """
    waiting: re.Match[str] | None = None
    for style in _SOFT_STYLES:
        if (opening := style.opening.match(text)) is None:
            continue
        closing = style.closing.search(text, max(searched, opening.end()))
        if closing is None:
            waiting = opening  # 【思考】 may be closed by its own tag or by 【回答】
            continue
        if closing.lastgroup == "nested":
            return opening, None, True
        rest = text[closing.end() :]
        inside = text[opening.end() : closing.start()]
        is_certain_name = opening.groupdict().get("certain") is not None
        is_text = style.text and not is_certain_name and style.text.match(inside)
        is_thinking = not is_text and style.answer.match(rest)
        return opening, closing if is_thinking else None, bool(rest.strip())
    return (waiting, None, False) if waiting else None


def may_begin_softly(text: str) -> bool:
    """Return whether the beginning of a reply may still become the opening of such thinking."""
    return any(style.begun and style.begun.match(text) for style in _SOFT_STYLES)
