"""What a question is about: the noun that a pronoun of the next question stands for."""

import re
from dataclasses import dataclass

from ingest.foundation.messages import Language
from ingest.text.language import language_of

TOPIC_WORDS = 16
"""Words of an English question that are added to the next one, at most."""

TOPIC_CHARACTERS = 6
"""A shorter phrase of a Chinese question is no topic by itself: the next phrase goes along."""

_BE = "is|are|was|were|am"
_AUXILIARY = rf"{_BE}|do|does|did|can|could|may|might|must|shall|should|will|would|has|have|had"
_QUESTION_EN = re.compile(
    r"^(?P<wh>(?:what|which|how|who|whom|whose|when|where|why)\b(?P<noun>[^?]*?))??\s*"
    rf"\b(?P<aux>{_AUXILIARY})\b\s+(?P<rest>.+)$",
    re.IGNORECASE,
)
_WHO_DID = re.compile(r"^(?:who|what|which \w+)\s+\w+\s+(?P<rest>.+)$", re.IGNORECASE)
_PREPOSITION = (
    r"for|in|on|at|to|from|by|with|without|about|into|under|over|during|after|before|when|while|if"
    r"|that|and|or|than|as|per|between|against|through"
)
_CUT = re.compile(rf"\s+(?:{_PREPOSITION})\b.*$", re.IGNORECASE)
_NAME = re.compile(
    r"(?:the )?[A-Z0-9][\w.+#'-]*(?:\s(?:[A-Z0-9][\w.+#'-]*|of(?= [A-Z])|[a-z]+\+))*"
)
_DETERMINER = re.compile(r"^(?:an?|the|any|some|my|your|our)\s+", re.IGNORECASE)
_VERB = re.compile(
    r"\s+(?:need|have|cost|weigh|fly|work|mean|take|be|use|stay|eat|keep|get|make|live|grow|cause"
    r"|last|run|help|sleep|say|require|contain|look|become|come|go|start|happen|do|give|hold)\b.*$"
)
_STATE = re.compile(
    r"(?<=\w) (?:\w{3,}ed|kept|made|built|born|called|safe|legal|famous|good|bad|free|open"
    r"|dangerous"
    r"|healthy|worth|allowed|better|possible|necessary|true|located|written|sold|found|known)\b.*$"
)
_ATTRIBUTE_OF = re.compile(
    r"^(?:the )?(?:\w+ )?(?:height|weight|price|cost|size|length|speed|range|age|population"
    r"|area|limit"
    r"|name|date|author|inventor|colou?r|purpose|meaning|definition|history|use|uses|value|number"
    r"|battery life|temperature|depth|width|capacity|version) of ",
    re.IGNORECASE,
)
_PEOPLE = frozenset(("i", "we", "you", "one", "people", "someone", "they", "it", "there", "water"))
_ASKING_ZH = re.compile(
    r"请问|什么时候|什么样|什么|怎么样|怎么|怎样|如何|哪些|哪里|哪个|哪年|哪|几个|几|是否"
    r"|可以|能不能|能否"
    r"|需要|应该|有没有|为什么|为何|还是|多[少大高远重久热冷长快深宽]|谁|[吗呢吧了是在有]"
    r"|[?？!！,，。;；:：、]"
)
_EDGES_ZH = re.compile(r"^[的和与去用\s]+|[的和与用要会能吃做叫属\s]+$")
_LATIN_NAME = re.compile(r"[A-Z][A-Za-z0-9.+#-]*(?:\s[A-Z0-9][A-Za-z0-9.+#-]*)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What a question that stands alone is about."""

    question: str
    phrase: str
    """What goes in front of an ellipsis: "the DJI Mini 4 Pro in winter"."""
    subject: str
    """What a pronoun stands for; "" where that is not plain."""
    things: str
    """What "they" stands for, where it differs: lights of "What lights does a drone need?"."""
    is_person: bool
    language: Language

    @property
    def latin_name(self) -> str:
        """Return a name that is written alike in both languages, or ""."""
        source = self.question if self.language == "zh" else self.subject
        found = _LATIN_NAME.search(source)
        return found.group() if found else ""


def topic_of(question: str) -> Topic:
    """Return what a question that stands alone is about."""
    text = question.strip()
    language = language_of(text)
    if language == "zh":
        # Its first phrases that ask nothing.
        phrases: list[str] = []
        for part in _ASKING_ZH.split(text):
            phrase = _EDGES_ZH.sub("", part)
            if len(phrase) > 1 and len("".join(phrases)) < TOPIC_CHARACTERS:
                phrases.append(phrase)
        phrases = phrases or [text.rstrip("?？ ")]
        subject = phrases[0] if _LATIN_NAME.match(phrases[0]) else phrases[0].partition("的")[0]
        return Topic(
            question=text,
            phrase=" ".join(phrases),
            # Python 的 asyncio is about asyncio, 无人机的重量 about the drone.
            subject=(
                subject
                if re.search(r"的\s*[A-Za-z]", subject)
                else subject.partition("的")[0].strip()
            ),
            things="",
            is_person=bool(re.search(r"是谁|谁是|哪位", text)),
            language=language,
        )
    subject, things = english_subject(text.rstrip("?.! "))
    return Topic(
        question=text,
        phrase=" ".join(text.rstrip("?.! ").split()[:TOPIC_WORDS]),
        subject=subject,
        things=things,
        is_person=bool(re.match(r"(?:who|whose) (?:is|was|are|were)\b", text, re.IGNORECASE)),
        language=language,
    )


def english_subject(question: str) -> tuple[str, str]:
    """Return the noun that a pronoun stands for, and the one that a plural may stand for."""
    asked = _QUESTION_EN.match(question)
    if asked is None:
        did = _WHO_DID.match(question)
        return (_CUT.sub("", did["rest"]) if did else question), ""
    rest, noun = asked["rest"].strip(), (asked["noun"] or "").strip()
    if re.fullmatch(_BE, asked["aux"], re.IGNORECASE):
        # "What is the weight of X?" is about X; "the capital of X" is a thing of its own.
        phrase = _CUT.sub("", _ATTRIBUTE_OF.sub("", rest))
        return _STATE.sub("", phrase) or phrase, ""
    name = _NAME.match(rest)
    if name and name.group().split()[0] != "I":
        return name.group(), ""
    words = rest.split()
    if words[0].casefold() in _PEOPLE:
        # What is done to in "I install Docker on Debian", "water be for green tea".
        done = " ".join(words[2:])
        found = re.match(r"for (?P<noun>.+)", done)
        return (found["noun"] if found else _CUT.sub("", done)), ""
    subject = english_agent(rest)
    kind = noun.split()[-1] if noun else ""
    if kind.endswith("s") and noun.casefold().startswith(kind.casefold()):
        return subject, f"{_DETERMINER.sub('', subject)} {kind}"
    return subject, ""


def english_agent(rest: str) -> str:
    """Return who does what in "a drone need at night"."""
    before = _CUT.sub("", rest)
    bare = _DETERMINER.sub("", before)
    # "a visa for Japan cost": the verb stands behind the preposition.
    if " " not in bare and before != rest:
        whole = rest.split()
        return " ".join(whole[:-1])
    cut = _VERB.sub("", before)
    if cut != before:
        return cut
    head, _, _ = before.partition(" the ")
    words = head.split()
    return " ".join(words[:-1]) if len(words) > 1 else head
