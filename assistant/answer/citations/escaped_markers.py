r"""Markers that Markdown, HTML or TeX wraps: \[2\], &#91;2&#93;, ^[2], ^2^, $^{2}$, \cite{2}."""

import re

from assistant.answer.citations.markers import AnswerUnit, is_exponent, is_interval, marker_numbers

FIRST = "\\^&$"
"""Characters that they begin with."""
_INSIDE = r"(?P<inside>\^?[^\[\]{}()$&\\^\n]{1,24})"
_NUMBERS = r"(?P<inside>\d{1,3}(?:\s?[,，、–-]\s?\d{1,3}){0,8})"
_BRACKETED = (
    re.compile(rf"\\\[{_INSIDE}\\\]"),
    re.compile(rf"&(?:#91|#x5b|lsqb|lbrack);{_INSIDE}&(?:#93|#x5d|rsqb|rbrack);", re.IGNORECASE),
    re.compile(rf"\\(?:cite[a-z]?|autocite|parencite|footcite)\{{{_INSIDE}\}}"),
)
_RAISED = (
    re.compile(rf"\^\[\^?{_INSIDE}\]\^?"),
    re.compile(rf"\^{_NUMBERS}\^"),
    re.compile(rf"\^\({_NUMBERS}\)\^?"),
    re.compile(rf"\^\{{{_NUMBERS}\}}"),
    re.compile(rf"\$\s?\^\s?\{{?\s?\[?{_NUMBERS}\]?\s?\}}?\s?\$"),
    re.compile(rf"\\textsuperscript\{{\[?{_NUMBERS}\]?\}}"),
)
_BEGUN = re.compile(
    r"(?:\\(?:\[\^?[^\[\]{}()$&\\^\n]{0,24}\\?|[a-z]{0,16}(?:\{[^{}\n]{0,26})?)"
    r"|&(?:#?[a-z0-9]{0,6}|(?:#91|#x5b|lsqb|lbrack);[^&\n]{0,24}(?:&#?[a-z0-9]{0,6})?)"
    r"|\^(?:\[[^\[\]\n]{0,25}|[({]?[\d\s,，、–-]{0,48}\)?)"
    r"|\$\s?(?:\^\s?[{\[\s]{0,3}[\d\s,，、–-]{0,48}[\]}\s]{0,3})?)\Z",
    re.IGNORECASE,
)
_POWER_OF = re.compile(r"(?:\d|(?:^|[^A-Za-z])[A-Za-z]|[)\]}])$")
"""Before ^[2]: a short word alone makes no power of a bracket."""
_FORMULA_BEFORE = re.compile(
    r"\\[A-Za-z]+$|\|$|(?<![A-Za-z])\w['!]$|\\[\[(](?:(?!\\[\])]).)*$"
    r"|[=*/÷×+]\s?[A-Za-z\u4e00-\u9fff]+$"
)
_FORMULA_BEHIND = re.compile(r"(?P<gap>\s?)(?:[=+*/>](?P=gap)[\w(\\]|[<-](?P=gap)[\d(\\])")
_PRICE = re.compile(r"\$\s?\d[\d.,]*(?=\s|$)")
_NOT_CITED = re.compile(
    r"(?:^\s*(?:[-*+•>]|\d{1,3}[.)、])?|[=:：|\"'“‘(（]"
    r"|\b(?:is|are|was|were|be|equals?|gives?|returns?|yields?|as|use|uses|using|write|type|like"
    r"|match(?:es)?|grep|sed|regex|pattern)|是|为|等于|写作|写成|使用|输入|匹配)\s*$",
    re.IGNORECASE,
)
r"""Before \[2\]: a formula on a line of its own, or brackets that the text speaks of."""
BEHIND = 4
"""Characters behind a number that tell an exponent from a marker: " = x"."""


def escaped_marker(rest: str, *, before: str, final: bool) -> AnswerUnit | None:
    """Return the marker at the beginning of `rest`, an empty unit if it is none.

    None: it takes more text to tell. `before` is the end of the line so far.
    """
    for patterns, raised in ((_BRACKETED, False), (_RAISED, True)):
        for pattern in patterns:
            found = pattern.match(rest)
            if found is None:
                continue
            behind = rest[found.end() : found.end() + BEHIND]
            if len(behind) < BEHIND and not final:
                return None
            numbers = marker_numbers(found["inside"])
            is_text = _is_power if raised else _is_spoken_of
            if not numbers or is_text(found[0], before, behind):
                break
            # In Markdown's own escapes a bracket is as open to be an interval as without them.
            spoken_of = "1,2" if raised else found["inside"]
            if is_interval(spoken_of, before, (1, 2) if raised else numbers):
                break
            return AnswerUnit("marker", found[0], numbers)
    return None if _BEGUN.match(rest) and not final else AnswerUnit("word", "")


def _is_spoken_of(marker: str, before: str, _behind: str) -> bool:
    r"""Return whether \[2\] is a formula, or a bracket that the text is about."""
    if not marker.startswith(("\\[", "&")):
        return False
    return bool(_NOT_CITED.search(before)) or marker.startswith(r"\[ ")


def _is_power(marker: str, before: str, behind: str) -> bool:
    # In doubt it is text: a power that is left out makes another formula.
    in_formula = _PRICE.sub("", before).count("$") % 2 == 1
    if in_formula or _FORMULA_BEFORE.search(before) or _FORMULA_BEHIND.match(behind):
        return True
    if marker.startswith("^["):
        return bool(_POWER_OF.search(before))
    if marker.startswith("^(") and before[-1:].isalnum():
        return True
    return is_exponent(before, behind)
