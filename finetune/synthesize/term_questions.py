"""Questions for terms and options that a page describes: glossaries, options, fields of dialogs.

Most of a manual's described terms are fields, whose text leans on its dialog. Asked for are those
whose description is a whole one by its form; all but names of one meaning name their page.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from finetune.synthesize.drafts import QuestionDraft, SourceText
from ingest.foundation.messages import Language
from ingest.text.cjk import CJK

LEAST_DESCRIPTION = {"zh": 8, "en": 20}
"""Characters of a description: less is a label."""

MOST_DESCRIPTION = {"zh": 160, "en": 300}
"""Characters of a description that is one."""

MOST_TERM_CHARACTERS = 48

LEAST_SPACES = 5
"""Between the words of what says what an ordinary word means."""

_IDENTIFIER = re.compile(r"(?=.*(?:[_$/.\d]|\w-\w|[a-z][A-Z]|[A-Z]{2}))[^\s,]+$")
"""A name that means one thing wherever it stands: cdrom-checker, use_network, SMTP."""
_PLACEHOLDER = re.compile(r"-|[a-z]+(?:_[a-z]+)+$")
"""An option, or what stands for a value, as new_name: another command has another of that name."""
_NO_TERM = re.compile(
    r"\.\.\.|…|[:：;；?？!！|<>{}=“”\"]|^[\W\d_]+$|^(?:[A-Z]\.)?\d+\.|^(?:See|Note|Tip)\b"
    r"|^\w\w?$|^[^-].*, |\bexample\."
)
_GLOSSARY = {
    "en": re.compile(
        r"(?:An?|The) (?![a-z]+ (?:is|are|was|were|will|can|cannot|may|does|should|must|has|have)"
        r"\b)\w"
        r"|[A-Z][a-z]+(?<!s)(?:s|es) (?:an?|the|all|any|each|every|whether|how|which|you|to|or)\b"
        r"|(?:Number|Amount|Name|Kind|Type|Distance|Time|Size|Path|Address) (?:of|in|between)\b"
        r"|(?:Automatic|Additional|Electronic|Digital|Specially|Method|Person|Part|Process|Way)\b"
    ),
    "zh": re.compile(
        r"(?:是?指|即|一[种个款类项]|用[于来以]|由|对|[将把]|负责|表示|描述|包含|存放|提供|允许|控制|保存)"
    ),
}
"""Beginnings of what a term of ordinary words means. "Alpha: Low values give sharper noise" is an
advice on a field of a dialog, and tells nobody what it is."""
_FUNCTION_WORD = re.compile(
    r"From|Into|With|None|Other|Misc|Both|Next|Type|Name|Text|Value|Yes|Default", re.IGNORECASE
)
_LEADS_ON = re.compile(r"(?:[:：,，;；、(（]|, (?:and|or)|[;；、]\s?[和或及])$")
_REFERS = re.compile(
    r"\b[Ss]ee\b|\b(?:above|below|following|previous(?:ly)?|next|earlier|later|described|documented"
    r"|mentioned|former|latter)\b|https?:|\bwww\.|\.\.\.|…"
    r"|\b(?:[Ss]ections?|[Cc]hapters?|[Ff]igures?|[Tt]ables?|[Aa]ppendix|[Pp]ages?) [\d“\"A-Z]"
    r"|[参详]见|参[考照阅看]|第\s?[\d.]+\s?[章节]|[上下][述面文图表]|以下|如[下图上]|本[章节文]|[前后][者面述]"
    r"|不再赘述|例如：|只列"
)
"""The description goes on elsewhere."""
_OTHER_MATTERS = re.compile(
    r"(?:Also|But|And|Or|So|However|Then|Thus|Now|Currently|New|More|Another|Some|Many|Most|Once|It"
    r"|Its|They|Their|This|These|That|Those|There|Here|He|She|You|Your|We|Our|I|If|When|While|As"
    r"|Because|Although|After|Before|During|By|With|Without|In|Inside|On|At|For|From|To|Under|Note"
    r"|The (?:only|more|greater|higher|lower|larger|smaller)\b(?!(?: [a-z-]+){0,2} of\b)"
    r"|if|when|unless|because|Please|Same|Like|Only|Not|Just|Unlike|Caution|Warning)\b"
    r"|[a-z]+[.?!] |(?:Grammar|Syntax|Usage|Default|Type|Example|Values?|Format):"
    r"|[这那此该其它他您你我]|如果|当|由于|因为|在|对于|通过|根据|现在|新|同样|同上|注意|请|也|但|而|并|默认|有时|一般|很多|许多|点击"
)
"""Beginnings of a text that does not say what the term before it is."""
_OWN_VOICE = re.compile(r"\b(?:I|my|we|our|us|let's)\b|我们?|咱")
_INDEX_LINE = re.compile(r"[A-Z][^,.!?]{0,39}(?:, [A-Z][^,.!?]{0,39})+$")
"""What stands behind a word of an index: names of pages, parted by commas, and no sentence."""
_ONLY_NAMES = re.compile(r"(?:(?:[A-Z][\w.’'-]*|and|de|van|von|of|the|&),? ?)+")
"""Who wrote it, or whose it is: nothing that a term means."""
_VERSION_NOTE = re.compile(
    r"(?:Added|Available|Changed|Deprecated|Introduced|New|Part of [^.]{1,40}|Removed) (?:in|since)"
    r" (?:[\w.-]+ ){0,2}[\d.]+$"
)
"""When it came, and nothing of what it is."""
_CJK_LETTER = re.compile(f"[{CJK}]")


def ask_of_terms(pieces: Sequence[SourceText]) -> Iterator[QuestionDraft]:
    """Yield a question for each term or option that is described in whole, in one place."""
    described = [piece for piece in pieces if piece.unit.kind == "definition"]
    # Paragraphs of one description are pieces each, and none of them is all of it.
    times = Counter(piece.unit.subject for piece in described)
    for piece in described:
        written, _, description = piece.unit.text.partition(": ")
        # "/doc/:" has its colon in the page already.
        term = written.rstrip(":： ")
        if piece.unit.subject != written or times[written] > 1:
            continue
        if is_described(term, description, piece.language):
            reply = f"{term}: {description}"
            yield piece.draft(
                term_question(term, piece.language),
                reply,
                reply,
                "term",
                names_page=not _IDENTIFIER.match(term) or _PLACEHOLDER.match(term) is not None,
            )


def is_described(term: str, description: str, language: Language) -> bool:
    """Return whether a text says what the term is that stands before it, and all of it."""
    size = len(description)
    if not LEAST_DESCRIPTION[language] <= size <= MOST_DESCRIPTION[language]:
        return False
    if len(term) > MOST_TERM_CHARACTERS or _NO_TERM.search(term):
        return False
    if _REFERS.search(description) or _OWN_VOICE.search(description):
        return False
    # Half of a translated page is in the other language.
    has_cjk = _CJK_LETTER.search(description if language == "zh" else f"{term}{description}")
    if "|" in description or (language == "zh") != bool(has_cjk):
        return False
    is_word = not _IDENTIFIER.match(term) and not term.startswith("-")
    if is_word and not _is_glossary_entry(term, description, language):
        return False
    leans = _OTHER_MATTERS.match(description) or _INDEX_LINE.match(description)
    leans = leans or _ONLY_NAMES.fullmatch(description) or _VERSION_NOTE.match(description)
    return not leans and not _LEADS_ON.search(description)


def _is_glossary_entry(term: str, description: str, language: Language) -> bool:
    """Return whether a text says what a term of ordinary words means."""
    if description[-1] not in ".。" or _FUNCTION_WORD.fullmatch(term):
        return False
    if language == "zh":
        return _GLOSSARY["zh"].match(description) is not None
    # "An account represents …" says what an account is as well; "Iterations: Number of
    # iterations." goes round in a circle.
    says = _GLOSSARY["en"].match(description) or re.match(
        rf"(?:The |An? )?{re.escape(term)} (?:is an?|are|represents?|allows?|contains?|holds?|means"
        r"|controls?|shows?|opens?|determines?|lets?|provides?|refers?)\b",
        description,
        re.IGNORECASE,
    )
    return says is not None and description.count(" ") >= LEAST_SPACES


def term_question(term: str, language: Language) -> str:
    """Return the question for what a term or an option is described as."""
    if language == "zh":
        return f"{term} 是什么意思？" if term.isascii() else f"{term}是什么意思？"
    if term.startswith("-"):
        return f"What does {term} do?"
    # Without quotes "Show all" would be a part of the question's own sentence.
    return f"What does “{term}” mean?" if " " in term else f"What does {term} mean?"
