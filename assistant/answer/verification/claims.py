"""Which sentences of an answer claim something that a passage could support."""

import re

LEAST_WORDS = 3
"""Content words of a sentence, under which overlap with a passage is chance."""

LIST_MARK = re.compile(r"^\s*(?:(?:[-*+•]|\d{1,2}[.)])\s|\d{1,2}、)\s*")
_NO_STATEMENT = re.compile(
    r"^\s*(?:#|\*\*[^*]*[^*.。！!]\*\*[:：]?\s*$|[-*_=]{3,}\s*$|\|[\s|:-]*$)"
)
_MARKDOWN = re.compile(
    r"\*{2,3}|__|~~|`+|(?<!\w)[*_]+(?=\w)|(?<=\w)[*_]+(?!\w)|^\s*(?:#{1,6}|>)\s*|!?\[(?P<label>[^\]]*)\]\([^)]*\)|</?\w[^>]*>"
)
_MARKDOWN_SIGN = re.compile(r"[*_~`#>\[<]")
_ATTRIBUTION = re.compile(
    r"^\s*(?:(?:yes|no|so|thus|in short|in summary|overall|therefore)\b[,:]?\s+)?"
    r"(?:(?:according to|based on|as (?:stated|mentioned|described|noted) in|per)\s+(?:the\s+)?"
    r"(?:(?:given|provided|above|following|retrieved)\s+)?"
    r"(?:passages?|sources?|context|texts?|documents?|pages?|information|evidence|notes?"
    r"|articles?|snippets?|excerpts?)"
    r"(?:\s+(?:provided|above|given))?\s*,?\s*"
    r"|the (?:passages?|sources?|context|text|documents?|pages?|notes?) (?:states?|says?|mentions?"
    r"|notes?) that\s+)"
    r"|^\s*(?:根据|依据|按照|据)(?:以上|上述|所?提供的?|给出的|这些)?(?:的)?(?:段落|资料|笔记|材料|文档|来源"
    r"|信息|内容|网页|文章|文本|原文|证据)"
    r"(?:内容|信息|所述|显示)?[，,:：]?",
    re.IGNORECASE,
)
_HOLDS = (
    r"(?:contain|mention|say|state|provide|include|specif|give|answer|hold|address|discuss"
    r"|describe|cover"
    r"|indicate|explain|tell|clarif|name|reveal|show|list|offer|have|appear|detail)"
)
_SOURCES = (
    r"(?:passages?|pages?|sources?|context|documents?|texts?|information|excerpts?|evidence|notes?"
    r"|articles?|snippets?|materials?|references|extracts?|paragraphs?|search results)"
)
_NOT_THERE = re.compile(
    rf"\b{_SOURCES}\b[^.]{{0,40}}?\b(?:(?:do|does|did|is|are|was|were|could|can)(?:\s+not|n['’]t)"
    rf"|cannot|never|lacks?|no(?:thing|ne)?)\b[^.]{{0,30}}?\b{_HOLDS}"
    rf"|\b{_SOURCES}\b[^.]{{0,30}}\b(?:{_HOLDS}\w*|has|lacks?)\s+(?:no|nothing|any)\b"
    rf"|\bno(?:ne of the)? {_SOURCES}\b[^.]{{0,30}}\b{_HOLDS}"
    r"|\bthere (?:is|are|was) (?:no|not (?:any|enough)) (?:(?:specific|direct|relevant"
    r"|explicit)\s+)?"
    r"(?:information|mention|answer|details?|data|indication)\b"
    rf"|\b(?:not|n['’]t|never) (?:\w+ )?(?:mentioned|stated|specified|provided|given|found"
    rf"|available"
    rf"|included|described|contained|answered|covered|addressed|indicated"
    rf"|clear)\b[^.]{{0,30}}\b{_SOURCES}\b"
    r"|\b(?:I|we)(?:['’]m| am| are)? ?(?:do|did|could|can|was|were|am)?\s?(?:not|n['’]t|cannot"
    r"|can't|unable|sorry)\b"
    r"[^.]{0,20}\b(?:find|found|answer|determine|tell|say|confirm|provide|locate|know|sure|able)\b"
    # "Not specified." is the whole reply; "not specified" within a sentence may be a fact.
    r"|^\W*(?:(?:this|that|it|the (?:value|figure|number|date|answer|information)) is )?not"
    r" (?:\w+ly |yet )?(?:mentioned|stated|specified|provided|given|found|available|described"
    r"|indicated|known)\W*$"
    r"|^\W*(?:没有|(?:暂时?|尚|目前|还)?未)(?:被)?(?:提及|提到|说明|给出|注明|提供|指明|写明|明确)\W*$"
    r"|\bI (?:cannot|can['’]t|could not|couldn['’]t|don['’]t)\b|\bcould(?: not|n['’]t) find\b"
    r"|^\s*(?:I am |I'm )?sorry\b|\bno (?:information|mention|answer)\b"
    r"|抱歉|对不起|(?:没有|未能?|无法)(?:找到|检索|搜索到|查到|回答|确定|得知|判断)"
    r"|(?:段落|资料|笔记|材料|文档|摘录|片段|参考|网页|原文|文中|文本|来源|信息|内容|文章|上下文|证据)[^。]{0,12}?(?:没有|并?未"
    r"|无法|不能|不足|不包含|不含)"
    r"[^。]{0,6}?(?:提|说|包|涉|给|提供|回答|找|记|写|明|显|指|描|列|答|相关|信息|确定|以)"
    r"|(?:没有|未)(?:相关|明确|具体)(?:的)?(?:信息|说明|内容|提)|我不知道|我?不清楚",
    re.IGNORECASE,
)
_MAY_DENY = re.compile(
    r"no(?:t|ne|thing)?\b|n['’]t|never|lack|any\b|unable|sorry|[没未无不歉]", re.IGNORECASE
)
"""What is in all that `_NOT_THERE` finds, which goes through a sentence many times."""
_GREETING = re.compile(
    r"^\s*(?:sure|of course|certainly|great question|hello|hi|hope this helps|let me know"
    r"|here (?:is|are|'s)|in (?:summary|short|conclusion)|thank|you['’]re welcome|好的|当然|您好"
    r"|你好|谢谢|不客气"
    r"|希望.{0,8}帮助|以下是|总之|综上所述)[^.。]{0,40}[!！.。:：]?\s*$",
    re.IGNORECASE,
)


def plain_claim(sentence: str) -> str:
    """Return a sentence without Markdown, list mark and words that point to the passages."""
    text = LIST_MARK.sub("", sentence)
    if _MARKDOWN_SIGN.search(text):
        text = _MARKDOWN.sub(lambda found: found["label"] or "", text)
    return _ATTRIBUTION.sub("", text).strip()


def says_not_there(sentence: str) -> bool:
    """Return whether a sentence says that the passages do not hold the answer."""
    return _MAY_DENY.search(sentence) is not None and _NOT_THERE.search(sentence) is not None


def states_nothing(sentence: str) -> bool:
    """Return whether a sentence is a heading, a question, a lead-in or a courtesy."""
    text = sentence.strip()
    bare = text.rstrip("*_`~”’\"' ")
    if not bare or _NO_STATEMENT.match(sentence):
        return True
    if bare.endswith((":", "：", "?", "？")):
        return True
    return _GREETING.match(text) is not None
