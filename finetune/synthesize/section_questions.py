"""Questions of headings: asked where all that stands below one is the answer.

The beginning of a longer section is seldom an answer to its heading, and never a whole one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from assistant.answer.evidence.passage_reader import HEADING, LINE_RULE, Unit
from assistant.answer.evidence.plain_text import plain_text
from finetune.synthesize import headings_en, rules_zh
from finetune.synthesize.drafts import (
    CJK_LETTER,
    LONGEST_REPLY,
    QUESTION_MARKS,
    QuestionDraft,
    SourceText,
    is_whole_sentence,
)
from ingest.foundation.messages import Language
from ingest.text.cjk import CJK
from ingest.text.language import language_of
from ingest.text.words import sentence_spans

SECTION_SENTENCES: Mapping[Language, int] = {"zh": 3, "en": 4}
"""Sentences of a section that is an answer as a whole."""

FAQ_SENTENCES = 6
"""The same below a question: whoever wrote it meant all of it for an answer."""

LEAST_SECTION: Mapping[Language, int] = {"zh": 12, "en": 24}
"""Characters of an answer for a whole section: less is a note."""

LEAST_ASKED = 5
"""Characters of a heading that asks something: "Why?" says too little."""

_ABOUT_ITSELF = re.compile(
    r"让我们|我们(?:先|来|将|再)|(?:本|这一?|以下|下面的?)[节章文段篇部]|在?(?:此|本|这个?)示?例|接下来|下面|以下|上例|示例|例如"
    r"|(?:In )?(?:this|these|the (?:following|next|previous)) (?:sections?|chapters?|articles?"
    r"|pages?|documents?|topics?|guides?|examples?|tables?|parts?)\b|(?:In )?the example\b"
    r"|The following\b|Below\b|For example\b|Here (?:is|are)\b|Let(?:'s| us) (?:now|first|take"
    r"|look|see|review|start|begin|have|consider|assume)\b",
    re.IGNORECASE,
)
"""Beginnings of a text that says what it is about to say."""
_POINTS_ELSEWHERE = re.compile(
    r"[上下](?:面的?(?=[表图例步列介说所])|[图表例])|[如见][上下]|[以如]下|下列|[参详请]见|参[考照阅看]|不再[重赘]"
    r"|[这本上下前后]一?[章节](?!目)|第\s?[\d.]+\s?[章节]|本文|上文|[上下前后]一段"
    r"|\b(?:shown|listed|described|mentioned|explained|given|seen"
    r"|discussed) (?:above|below|previously|(?:earlier|before)(?=[.,;:)]|$))"
    r"|\b(?:image|screenshot|figure|picture|diagram|table|list|section|example|text|option|command"
    r"|information|description|instruction|step|code|discussion|procedure|rule|parameter|setting"
    r"|paragraph|note)s? (?:above|below)\b(?! \d)"
    r"|\b[Ss]ee (?:also |the |section|chapter|“)|(?:^|[.;] )See [A-Z]|\b[Pp]lease see\b"
    r"|\b[Tt]his (?:chapter|section|manual|page|document|guide|article|book)\b"
    r"|\b(?:described|explained|documented|found|discussed|covered) in\b"
    r"|found at (?:the|https?)\b|provided in the\b"
    r"|[Tt]ake a look|not repeated"
    r"|\b(?:described|listed|shown|given|explained|discussed|summari[sz]ed)(?: \w+ly)? here\b"
    r"|\bthe following\b|\bmore (?:information|details)\b|\bthe above\b|\bprevious section\b"
    r"|\b[Rr]efer to (?!as\b)"
)
"""What a text says of what stands around it."""
_BEGINS_LEANING = re.compile(
    r"(?:This|These|Those|That|Such|It|They|Here|(?:At|In|For|To|With|After|By) this)\b"
    r"|现在|此时|[这此该]|[它其]们?(?!他)|上述|前述"
)
"""Beginnings of a section that lean on its heading, or on what stood before it."""
_LABELLED = re.compile(
    rf"[\w{CJK}][^。.!?！？\n]{{0,30}}?[:：](?=\s|[{CJK}])\s*(?P<text>\S.*)", re.S
)
"""One of several labels (线条粗细： 设置……), which answers for none of the others."""
_NOTED = re.compile(r"(?:请?注意|(?:Please )?[Nn]ote)[:：]")
_CHOOSES = re.compile(
    r"(?:设[置定]|指定|选择|输入|启用|禁用)"
    r"|(?:[Ss]et|[Ss]pecif|[Ss]elect|[Cc]hoose|[Ee]nter|[Dd]efine|[Ee]nable|[Dd]isable)(?:y|s|ies)?\b"
)
"""What is said of a field of a dialog, behind its label."""
_SETS_OUT = re.compile(
    r"[.,;:)]|(?:Suppose|Imagine|Assume)\b[^:]*$|Some (?:users|people)\b|假设|许多人"
)
"""Beginnings of an answer that only leads to it, or that lost its own beginning."""
_ASKS_HOW = re.compile(r"怎|如何|为什么|为何")
_ASKS_THE_WAY = re.compile(
    r"What(?:['’]s| is) (?:next|new|here)\b|Where (?:next|now|to|do (?:I|you|we) go)\b|What now\b"
    r"|Ready to\b|(?:接下来|下一步|然后|之后)[^？?]{0,6}[？?]$|[从到去]这里",
    re.IGNORECASE,
)
"""Questions that lead a reader through a text, and ask nothing that it tells."""
_OWN_VOICE = re.compile(
    r"\b[Mm]y\b|(?:^|[.!?,;:“\"(]\s*|\b(?!(?:phase|type|class|level|part|stage|grade|group|category"
    r"|volume|chapter|section|title|article)\b)(?:[a-z'’]+|When|If|As|Can|Do|Did|Should|Must|May|Why"
    r"|How|What|Where|Which|Here|Then|So|But|And|Because|Since|While|Once|Before|After|Although"
    r"|Now|Could|Would|Will|Am)\s+)I\b(?![/.])"
)
"""Whoever wrote it speaks of themselves. World War I and an I/O line are none of it."""
_TAKES_UP = re.compile(
    r"(?:但是?|那么?|不过|可是|所以|还有|你[提说]|您[提说]|我[仍还])"
    r"|(?:But|And|So|Then|Ok(?:ay)?|(?-i:It|This|That|They)"
    r"|You(?: (?:a|we)re)? (?:said|say|mention|talk)\w*"
    r"|I(?:['’]m| am) still)\b",
    re.IGNORECASE,
)
"""Beginnings of a question that takes up what was said before it."""
_NO_SUBJECT = re.compile(
    r"[A-Z][a-z]+(?<!s)s (?:(?:an?|the|all|your|that|whether|with|TRUE)\b|[A-Z])"
    r"|(?:显示|返回|列出|指定|定义|计算|生成|决定|设置|用于|用来|允许|删除|创建|打开)"
)
"""Beginnings of what a field or a button does: whose, only its heading says."""
_WE = re.compile(r"\b(?:[Ww]e|[Oo]urs?|us)\b|我们|咱")
_ENDS_OPEN = re.compile(
    r"\b(?:the following|as follows|following (?:tables?|lists?|commands?|examples?))[.:]?$"
    r"|如下[。：]?$"
)
"""The end of a text that leads to what is not in it."""
_PLAIN_HEADING = re.compile(
    r"(?:(?:第[\d一二三四五六七八九十百]+[章节条部分]+|[\d一二三四五六七八九十]+(?:\.\d+)*[、.)）])\s*)?"
    rf"(?P<text>[A-Z{CJK}][^：:?？!！。]{{1,40}})$"
)
_NUMBERED = re.compile(
    r"(?:[A-Z]\.(?=\d))?\d+(?:(?:\.\d+)+\.|(?:\.\d+){2,}|[.、)）])\s+"
    # "3.5 mm plug" is no number of a heading, "8.3 How can I …?" is.
    r"|\d+\.\d+\s+(?=(?:How|What|Why|Where|When|Who|Which|Is|Are|Can|Do|Does|Should)\b|如何|怎|什么|为|谁|哪)"
)
"""The number that a heading bears in its document."""
_HEADING_LINE = re.compile(r"^ {0,3}(?:#{1,6}\s|\*\*[^*\n]+\*\*\s*$)", re.M)
"""A line that begins another section."""
_EMPTY_HEADING = re.compile(
    r"(?:see also|references|external links|notes|further reading|overview|introduction|summary"
    r"|contents|conclusion|tips?|warnings?|cautions?|important|hints?|remarks?|note|examples?"
    r"|description|name|synopsis|options|syntax|technical information|usage"
    r"|备注|注意|提示|警告|目录|参考.*|参见|示例|例子|举例|范例|概述|简介|前言"
    r"|引言|结语|附录|总结|摘要|语法|技术信息|其[他它]|说明)",
    re.IGNORECASE,
)
_MARKED = re.compile(r"(?:[QA]|问|答|问题|回答|Question|Answer)\s*\d*\s*[：:.]", re.IGNORECASE)


def ask_of_sections(pieces: Sequence[SourceText], text: str) -> Iterator[QuestionDraft]:
    """Yield a question for each heading whose section is the answer, all of it.

    `text` is what the pieces were cut out of.
    """
    # In order, and each heading once: two sections of one name cannot be distinguished.
    sections: dict[str, list[SourceText]] = {}
    for piece in pieces:
        sections.setdefault(piece.unit.heading, []).append(piece)
    for heading, inside in sections.items():
        if not heading or any(piece.unit.kind != "sentence" for piece in inside):
            continue
        first, units = inside[0], [piece.unit for piece in inside]
        asks = heading.endswith(QUESTION_MARKS)
        most = FAQ_SENTENCES if asks else SECTION_SENTENCES[first.language]
        reply = _whole_section(units, text, most)
        # It says only in part what stands there, or leads to another text.
        announces = _ABOUT_ITSELF.match(reply) or _ENDS_OPEN.search(reply)
        if not reply or announces or _POINTS_ELSEWHERE.search(reply):
            continue
        # Half translated: Chinese within English, or a whole English sentence within Chinese.
        sentences = [reply[start:end] for start, end in sentence_spans(reply)]
        is_english = [not CJK_LETTER.search(one) and one.count(" ") > 2 for one in sentences]
        if any(is_english) if first.language == "zh" else CJK_LETTER.search(reply):
            continue
        section = replace(first, unit=replace(first.unit, text=reply))
        if asks:
            # A question in the flow of a text is the author's own, and often left open.
            name = _NUMBERED.sub("", heading, count=1)
            if first.is_heading(heading) and _is_answer(name, reply):
                yield section.draft(name, reply, reply, "faq")
        elif not _leans_on_text_around(reply, [one.text for one in units]):
            yield from ask_of_topic(section, _topic_of(heading, first))


def ask_of_topic(section: SourceText, name: str) -> Iterator[QuestionDraft]:
    """Yield the question that a heading asks by its name: how it is done, or what is said of it."""
    reply, is_zh = section.unit.text, section.language == "zh"
    if not name or _MARKED.match(name) or len(reply) < LEAST_SECTION[section.language]:
        return
    if deed := (rules_zh if is_zh else headings_en).deed_question(name, reply):
        yield section.draft(deed, reply, reply, "section", names_page=True)
        return
    title = " ".join(section.title.split())
    if title and language_of(title) == section.language and not _NO_SUBJECT.match(reply):
        question = (rules_zh if is_zh else headings_en).topic_question(title, name)
        if question:
            yield section.draft(question, reply, reply, "section")


def _is_answer(question: str, reply: str) -> bool:
    """Return whether what stands below a question answers it, as far as its form tells."""
    if "!" in question or question[:1] in ":：" or len(question) < LEAST_ASKED:
        return False
    if _ASKS_THE_WAY.match(question) or _TAKES_UP.match(question) or _NO_SUBJECT.match(reply):
        return False
    # 哪些部件不保修？ is answered by 有些部件……; 怎样卸载？ is not.
    is_led_to = reply.startswith("有些") and _ASKS_HOW.search(question)
    return not is_led_to and not _SETS_OUT.match(reply)


def _leans_on_text_around(reply: str, texts: Sequence[str]) -> bool:
    """Return whether the beginning of a section says too little without what stands around it.

    So does a label that has others below it among the texts of the section, or is of a dialog.
    """
    label = None if _NOTED.match(reply) else _LABELLED.match(reply)
    return bool(
        _WE.search(reply)
        or _BEGINS_LEANING.match(reply)
        or (label and (_CHOOSES.match(label["text"]) or any(map(_LABELLED.match, texts[1:]))))
        or _OWN_VOICE.search(reply)
    )


def _topic_of(heading: str, first: SourceText) -> str:
    """Return what a section is about by its heading, "" where that says nothing to ask for."""
    found = _PLAIN_HEADING.fullmatch(_NUMBERED.sub("", heading, count=1))
    name = found["text"].strip() if found else ""
    is_other = language_of(name) != first.language or name == first.title
    return "" if is_other or name.endswith(".") or _EMPTY_HEADING.fullmatch(name) else name


def _whole_section(units: Sequence[Unit], text: str, most: int) -> str:
    """Return all that stands in a section, "" if it is no answer: cut, too many, or too long.

    Units leave out what says nothing alone, as "It is red." and what leads to code. An answer
    without those may say the contrary of its section: it is read from the text itself.
    """
    start, end = units[0].start, max(unit.end for unit in units)
    inside = text[start:end]
    if not all(is_whole_sentence(unit.text) for unit in units) or _HEADING_LINE.search(inside):
        return ""
    if not _begins_and_ends_at_headings(text, start, end, units[0].heading):
        return ""
    reply = plain_text(inside)
    sentences = [reply[left:right].strip() for left, right in sentence_spans(reply)]
    # A tool tip is often said once more as the text below it.
    is_short = len(reply) <= LONGEST_REPLY and len(set(sentences)) == len(sentences) <= most
    return reply if is_short else ""


def _begins_and_ends_at_headings(text: str, start: int, end: int, heading: str) -> bool:
    """Return whether nothing stands between a range of a text and the headings around it."""
    above = text[:start].rstrip().rpartition("\n")[2]
    marked = HEADING.match(above)
    named = plain_text((marked[1] if marked else above).rstrip("# \t"))
    if named != heading:
        return False
    rest, *lines = (line.strip("*_` \t") for line in text[end:].split("\n"))
    below = next((line for line in lines if line and not LINE_RULE.match(line)), "")
    return not rest and (not below or below.startswith("#") or below.endswith(QUESTION_MARKS))
