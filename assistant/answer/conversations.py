"""Makes a follow-up ("and in winter?") into a question that can be searched for by itself.

Rules decide how a question depends on the conversation (`follow_ups`) and what that was about
(`topics`); a model is asked only where the rules know that something is left out and not where.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.answer.discourse import read_steering
from assistant.answer.follow_ups import (
    ASKING_ZH,
    PERSON,
    PLURAL,
    QUESTION_FORM_EN,
    THIRD_PERSON_EN,
    THIRD_PERSON_ZH,
    ContextDependence,
    asks_attribute,
    classify_dependence,
    is_attribute,
    without_connective,
)
from assistant.answer.small_talk import asks_for_recap, is_small_talk
from assistant.answer.topics import (
    Topic,
    alike_subjects,
    is_same_kind,
    may_be_person_zh,
    may_stand_for_person,
    person_in_answer,
    place_in_front,
    topic_of,
)
from assistant.errors import ModelError
from assistant.models.base import ChatModel, collect_reply
from assistant.models.reasoning import THINK_CLOSE, THINK_OPEN
from assistant.values import ChatMessage, Prompt
from ingest.foundation.messages import Language, Message
from ingest.text.language import language_of
from ingest.text.quoting import neutralize_markup
from ingest.text.tokens import estimate_tokens
from ingest.text.words import content_words, words

REWRITE_SECONDS = 8.0
"""How long the search may wait for a better question."""

REWRITE_TOKENS = 96
LONGEST_QUESTION = 200
"""Characters of a rewritten question; longer ones are answers."""

TURNS = 4
"""The latest messages that the model sees, two questions and two answers."""

TURN_CHARACTERS = 400
LONGEST_MEMORY = 20
"""Earlier questions that are looked at: what was asked before them is no longer the topic."""

SHORT_PHRASE = 3
"""Characters of a topic that is a name and says nothing of what was asked."""

LONGEST_NAME_ZH = 12
"""Characters of a name that takes the place of another one."""

SHORT_CORRECTION = 4
"""Content words, at most, of "no, I meant the weight", which corrects one word of the question."""

ASK = Message.bilingual(
    "Rewrite the last question so that it can be understood without the conversation. Replace "
    "pronouns by what they stand for. Do not answer it. Reply with the question alone, in English, "
    "on one line.",
    "把最后一个问题改写成不看对话也能理解的问题。把代词换成它所指的内容。不要回答。"
    "只输出改写后的问题，用中文，一行。",
)
LAST = Message.bilingual("Last question: ", "最后一个问题：")
REWRITTEN = Message.bilingual("Rewritten question:", "改写后的问题：")

_COMPARES = re.compile(
    r"which (?:one |of (?:them|these|those|the two) )?(?:is|was|has|are) (?:the )?"
    r"(?:more|less|better|worse|best|[a-z]+er|[a-z]+est)\b|(?:哪一?[个种款家]|谁|哪边)(?:更|比较|最)",
    re.IGNORECASE,
)
_AMOUNT_OF = re.compile(r"^how (?:many|much) \w+ of (?P<thing>[a-z]+)\b", re.IGNORECASE)
_ONE_OF_KIND_EN = re.compile(r"(?P<whole>the [\w-]+ (?P<noun>[a-z]{3,}))[?.! ]*")
_ARTICLE = re.compile(r"^the ", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z]{1,6}[- ]?\d[\w.-]*", re.ASCII)
_CONNECTED = re.compile(
    r"(?:and|but|so|then|also|or)\b|(?:那么?|另外|然后|还有)[,，]", re.IGNORECASE
)
_NAME_AT_END_EN = re.compile(
    r"\b(?P<preposition>of|in|at|for|from|on|to) (?:the )?"
    r"(?P<name>(?P<year>\d{4})|[A-Z][\w.'-]*(?: [A-Z][\w.'-]*)*)[?.! ]*$"
)
_BARE_NAME_EN = re.compile(
    r"(?:(?P<preposition>of|for|from|to) )?(?:the )?"
    r"(?P<name>(?P<year>\d{4})|[A-Z][\w.'-]*(?: [A-Z][\w.'-]*){0,3})[?.! ]*"
)
_NAMED_PLACE_EN = re.compile(
    r"\b(?P<preposition>in|at|on|for|from|to|under) (?:the )?"
    r"(?:[A-Z][\w.'-]*|\d{4})(?: (?:of |and |the )*[A-Z][\w.'-]*)*[?.! ]*$"
)
_PLACE_EN = re.compile(r"\bthere(?=\s*[?.!]*$)", re.IGNORECASE)
_LABEL = re.compile(
    r"^\s*(?:(?:好的|当然|sure|okay|ok|here (?:is|it is)[^:：]*)[\s,，:：!！.。]*)?"
    r"(?:(?:the )?(?:rewritten |standalone |last )?question|改写后的问题|改写后|改写|问题)"
    r"\s*(?:is|是)?\s*[:：]\s*",
    re.IGNORECASE,
)
_NO_QUESTION = re.compile(
    r"^(?:(?:yes|no|sure|sorry)\b|是的|不是|好的|抱歉)|[{}\[\]<>|]", re.IGNORECASE
)
_LETTERS = re.compile(r"\w")
_BETWEEN_WORDS = re.compile(r"[\s,，.。!！?？]+")
"""What a question may be typed with or without, and is the same: 押金？ and 押金."""
_FREE_ZH = frozenset("的了是在吗呢吧么与及和或也就都而被把得着之其这那它他她们有请问会能要么什怎")
"""Characters that a Chinese question may gain or lose and stay the same question."""

_SCRAPS_EN = re.compile(r"\b(?:too|either|well|also|ones?|about|else)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _UnderstoodQuestion:
    """A question with its topic in it."""

    text: str
    resolved: bool
    """Whether the rules are sure; where they are not, a model may say it better."""
    topics: tuple[Topic, ...] = ()
    """What the conversation was about so far, this question included."""
    typed: str = ""


async def standalone_question(
    question: str,
    history: Sequence[ChatMessage],
    *,
    model: ChatModel | None,
    seconds: float = REWRITE_SECONDS,
) -> str:
    """Return the question as it would be asked without the conversation.

    A question that stands alone is returned without words such as "by the way", and no model is
    asked. A pronoun gives way to what it stands for. Only where the topic is left out altogether
    ("and in winter?") a model is asked, and its line used only if it is the same question with
    words of the conversation, within `seconds`; else the topic goes in front. "Go on" is the
    question before.
    """
    earlier: list[tuple[str, str]] = []
    for turn in history:
        if turn.role == "user" and turn.content.strip():
            earlier.append((turn.content, ""))
        elif turn.role == "assistant" and earlier:
            earlier[-1] = (earlier[-1][0], turn.content.rpartition(THINK_CLOSE)[2])
    if not earlier or is_small_talk(question):
        return question
    before = _UnderstoodQuestion(text="", resolved=True)
    # Each question is understood in the light of those before it: "Who built it?" has no topic of
    # its own, and the "it" of the next question is the same.
    for text, answer in earlier[-LONGEST_MEMORY:]:
        if not is_small_talk(text) and not asks_for_recap(text):
            before = _understand(text, before)
            if before.topics and (person := person_in_answer(before.text, answer)):
                *others, latest = before.topics
                latest = replace(latest, answered_person=person)
                before = replace(before, topics=(*others, latest))
    understood = _understand(question, before)
    if understood.resolved or model is None or model.kind != "model":
        return understood.text
    prompt = rewriting_prompt(question, history)
    try:
        # The search waits for this: a slow model must not cost more than the rules are worse.
        async with asyncio.timeout(seconds):
            text = await collect_reply(model, prompt, longest=LONGEST_QUESTION)
    except (TimeoutError, ModelError):
        return understood.text
    line = _LABEL.sub("", text.strip()).strip(" \"'“”「」*`")
    return line if is_same_question(line, question, history) else understood.text


def leans_on_history(question: str) -> bool:
    """Return whether the question needs the conversation: a pronoun, an ellipsis, a command."""
    steered = read_steering(question)
    if steered.continues or steered.corrects or steered.command is not None:
        return True
    return classify_dependence(steered.text or question) != "alone"


def _understand(question: str, before: _UnderstoodQuestion) -> _UnderstoodQuestion:
    """Return a question in the light of the one before; the same once more is that one."""
    typed, once_more = (
        _BETWEEN_WORDS.sub("", without_connective(text)).casefold()
        for text in (question, before.typed)
    )
    if typed and typed == once_more:
        return before
    understood = _with_conversation(question.strip(), before.topics, before.text)
    return replace(understood, typed=question)


def _with_conversation(question: str, topics: tuple[Topic, ...], last: str) -> _UnderstoodQuestion:
    """Return the question with the topic of the conversation where it leans on it."""
    steered = read_steering(question)
    text = steered.text or question
    if steered.changes_topic:
        topics = ()
    if topics and (steered.continues or steered.command is not None):
        added = f"{topics[-1].phrase} {steered.command}" if steered.command else last
        return _UnderstoodQuestion(text=added, resolved=True, topics=topics)
    earlier_text = " ".join(topic.question for topic in topics)
    dependence = classify_dependence(
        text, topic_subject=topics[-1].subject if topics else "", earlier_text=earlier_text
    )
    if steered.corrects and len(content_words(text)) <= SHORT_CORRECTION:
        dependence = "ellipsis"
    if dependence == "alone":
        bare = without_connective(text) if _CONNECTED.match(text) else text
        bare = bare[:1].upper() + bare[1:] if bare != question else bare
        return _UnderstoodQuestion(text=bare, resolved=True, topics=(*topics, topic_of(bare)))
    if not topics:
        # Nothing is known that it could depend on: it is searched for as it is. 会议室怎么预订？ as
        # the first question leaves nothing out, and the next may lean on it.
        begins = (topic_of(text),) if dependence in ("ellipsis", "demonstrative") else ()
        return _UnderstoodQuestion(text=text, resolved=True, topics=begins)
    latest = topics[-1]
    if latest.language != language_of(text):
        if not latest.latin_name:
            # Words of two languages find pages of neither.
            return _UnderstoodQuestion(text=without_connective(text), resolved=False, topics=topics)
        name = latest.latin_name
        topics = (*topics, replace(latest, phrase=name, subject=name, things=""))
    standalone, sure = _with_topic(text, dependence, topics)
    if sure and dependence == "ellipsis" and not _COMPARES.match(text):
        # 西班牙呢？ asked the question before of Spain, which 人口多少？ is then about.
        topics = (*topics, topic_of(standalone))
    return _UnderstoodQuestion(text=standalone, resolved=sure, topics=topics)


def _with_topic(
    question: str, dependence: ContextDependence, topics: Sequence[Topic]
) -> tuple[str, bool]:
    """Return the question with its topic, and whether that is surely what was meant."""
    latest = topics[-1]
    rest = without_connective(question)
    if _COMPARES.match(rest):
        pair = alike_subjects(topics)
        return f"{pair or latest.phrase} {rest}", bool(pair)
    if not latest.subject or dependence == "ellipsis":
        if exchanged := _with_other_name(rest, latest, is_asked_on=rest != question.strip()):
            return exchanged, True
        # 黄山呢？ asks what was asked of 泰山, which the name alone does not say.
        asks_same = "呢" in question and len(latest.phrase) <= SHORT_PHRASE
        phrase = latest.question.rstrip("?？。吗 ") if asks_same else latest.phrase
        thing, _, attribute = phrase.partition("的")
        if is_attribute(attribute) and asks_attribute(rest):
            # 续航时间多长？ after the weight of a drone asks of the drone, no more of its weight.
            phrase = thing
        # "And in Canada?" asks no more of the United States: the place at the topic's end goes.
        named_place, before = _NAMED_PLACE_EN.match(rest), _NAMED_PLACE_EN.search(phrase)
        if named_place and before and named_place["preposition"] == before["preposition"]:
            phrase = phrase[: before.start()].rstrip() or phrase
        # 押金是多少？ behind 押金 names its topic itself.
        is_named = bool(phrase) and set(words(phrase)) <= set(words(rest))
        return rest if is_named else f"{phrase} {rest}".strip(), is_named
    if dependence == "demonstrative":
        if _PLACE_EN.search(rest):
            return _PLACE_EN.sub(lambda _: f"in {latest.subject}", rest), True
        return f"{latest.subject} {rest}", False
    if PERSON.search(rest) and not latest.answered_person and not may_stand_for_person(latest):
        return f"{latest.question.rstrip('?？ ')} {rest}", False  # whom, the answer does not say
    subject = _referent(rest, topics)
    # A function as replacement: a backslash in a topic is no group reference.
    if language_of(rest) == "zh":
        return THIRD_PERSON_ZH.sub(lambda _: subject, rest, count=1), True
    return THIRD_PERSON_EN.sub(
        lambda found: f"{subject}'s" if found["own"] else subject, rest, count=1
    ), True


def _referent(rest: str, topics: Sequence[Topic]) -> str:
    """Return what the pronoun of a question stands for."""
    latest = topics[-1]
    if PERSON.search(rest) and latest.answered_person:
        return latest.answered_person
    if not PLURAL.search(rest):
        # "It" of "How many days of leave do employees get?" are not the employees.
        amount = _AMOUNT_OF.search(latest.question)
        is_plural = latest.subject.islower() and latest.subject.endswith("s")
        return amount["thing"] if amount and is_plural else latest.subject
    pair = topics[-2:]
    if len(pair) > 1 and all(topic.is_person for topic in pair):
        joint = "和" if latest.language == "zh" else " and "
        return joint.join(topic.subject for topic in pair)
    return latest.things or latest.subject


def _with_other_name(rest: str, latest: Topic, *, is_asked_on: bool) -> str:
    """Return the question before, asked of another name of the same kind, or "" if it is none.

    西班牙呢？ behind 法国的首都是哪里？ asks of the capital of Spain: both names together
    would find France first.
    """
    if latest.language == "zh":
        return _with_other_name_zh(rest, latest, is_asked_on=is_asked_on)
    if exchanged := _with_other_code(_ARTICLE.sub("", rest.rstrip("?.! ")), latest.question):
        return exchanged
    # "And the Pro plan?" asks what was asked of the Basic plan.
    if other := _ONE_OF_KIND_EN.fullmatch(rest):
        same = re.search(rf"\bthe [\w-]+ {other['noun']}\b", latest.question)
        if same and same[0] != other["whole"]:
            return latest.question.replace(same[0], other["whole"], 1)
    named, before = _BARE_NAME_EN.fullmatch(rest), _NAME_AT_END_EN.search(latest.question)
    if not (named and before) or named["name"] in latest.question:
        return ""
    are_years = named["year"] and before["year"]
    # "And of Spain?" says by its preposition whose place it takes.
    same_place = named["preposition"] == before["preposition"] and not named["year"]
    # "Paris?" behind a question on France doubts the answer.
    alike = same_place or is_same_kind(named["name"], before["name"])
    if not are_years and not (is_asked_on and alike):
        return ""
    start, end = before.span("name")
    return latest.question[:start] + named["name"] + latest.question[end:]


def _with_other_name_zh(rest: str, latest: Topic, *, is_asked_on: bool) -> str:
    """Return the Chinese question before, asked of another name, or ""."""
    name = rest.rstrip("?？。!！吗 ")
    subject = latest.subject
    if exchanged := _with_other_code(name, latest.question):
        return exchanged
    place = name.removesuffix("的")
    if (named := place_in_front(subject)) and is_asked_on and is_same_kind(place, named):
        return latest.question.replace(named, place, 1)
    is_named = 1 < len(name) <= LONGEST_NAME_ZH and not ASKING_ZH.search(name)
    of_person = latest.is_person and is_asked_on and may_be_person_zh(name)
    alike = of_person or is_same_kind(name, subject)
    is_other_name = bool(is_named and subject and alike)
    is_asked_already = is_attribute(name) or name in latest.question
    if not is_other_name or is_asked_already:
        return ""
    return latest.question.replace(subject, name, 1)


def _with_other_code(name: str, question: str) -> str:
    """Return the question before with another model's code: RX-300 for RX-200, or ""."""
    before = _CODE.search(question) if _CODE.fullmatch(name) else None
    if before is None or before[0] == name:
        return ""
    return f"{question[: before.start()]}{name}{question[before.end() :]}"


def is_same_question(line: str, question: str, history: Sequence[ChatMessage]) -> bool:
    """Return whether a model's line asks the question, with words of the conversation added."""
    language = language_of(question)
    fits = 0 < len(line) <= LONGEST_QUESTION and "\n" not in line and language_of(line) == language
    if not fits or _NO_QUESTION.search(line) or THINK_OPEN in line or THINK_CLOSE in line:
        return False
    # An answer holds words of the conversation, too; only a question asks.
    if not (ASKING_ZH.search(line) if language == "zh" else QUESTION_FORM_EN.match(line)):
        return False
    conversation = " ".join([question, *(turn.content for turn in history)])
    kept = without_connective(read_steering(question).text)
    if language == "zh":
        # By character: a bigram across two words of the line stands nowhere before.
        added = set(_LETTERS.findall(ASKING_ZH.sub("", line))) - set(conversation) - _FREE_ZH
        core = THIRD_PERSON_ZH.sub("", ASKING_ZH.sub("", kept))
        return not added and set(_LETTERS.findall(core)) - _FREE_ZH <= set(line)
    own = set(content_words(_SCRAPS_EN.sub(" ", kept)))
    return set(content_words(line)) <= set(words(conversation)) and own <= set(words(line))


def rewriting_prompt(question: str, history: Sequence[ChatMessage]) -> Prompt:
    """Return the short prompt that asks for a standalone question."""
    language: Language = language_of(question)
    turns = [turn for turn in history if turn.role != "system"][-TURNS:]
    lines = []
    for turn in turns:
        content = " ".join(neutralize_markup(turn.content.rpartition(THINK_CLOSE)[2]).split())
        if len(content) > TURN_CHARACTERS:
            content = content[: TURN_CHARACTERS - 1] + "…"
        lines.append(f"{turn.role}: {content}")
    conversation = "\n".join(lines)
    last = f"{LAST.localize(language)}{neutralize_markup(question).strip()}"
    text = f"{conversation}\n\n{last}\n{REWRITTEN.localize(language)}"
    messages = (
        ChatMessage(role="system", content=ASK.localize(language)),
        ChatMessage(role="user", content=text),
    )
    return Prompt(
        messages=messages,
        question=question,
        language=language,
        tokens=sum(estimate_tokens(message.content) for message in messages),
        reply_tokens=REWRITE_TOKENS,
        thinking=False,
    )
