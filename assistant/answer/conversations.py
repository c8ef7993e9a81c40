"""Makes a follow-up ("and in winter?") into a question that can be searched for by itself.

What is no question is told apart in `small_talk`.
"""

import asyncio
import re
from collections.abc import Sequence

from assistant.errors import ModelError
from assistant.models.base import ChatModel, collect_reply
from assistant.models.reasoning import THINK_CLOSE, THINK_OPEN
from assistant.values import ChatMessage, Prompt
from ingest.foundation.messages import Language, Message
from ingest.text.language import language_of
from ingest.text.quoting import neutralize_markup
from ingest.text.tokens import estimate_tokens
from ingest.text.words import content_words

REWRITE_SECONDS = 8.0
"""How long the search may wait for a better question."""

REWRITE_TOKENS = 96
LONGEST_QUESTION = 200
"""Characters of a rewritten question; longer ones are answers."""

TURNS = 4
"""The latest messages that the model sees, two questions and two answers."""

TURN_CHARACTERS = 400
SHORT_WORDS = 2
"""Content words under which a question after another one leans on it."""

TOPIC_WORDS = 16
"""Words of an English question that are added to the next one, at most."""

TOPIC_CHARACTERS = 6
"""A shorter phrase of a Chinese question is no topic by itself: the next phrase goes along."""

ASK = Message.bilingual(
    "Rewrite the last question so that it can be understood without the conversation. Replace "
    "pronouns by what they stand for. Do not answer it. Reply with the question alone, in English, "
    "on one line.",
    "把最后一个问题改写成不看对话也能理解的问题。把代词换成它所指的内容。不要回答。"
    "只输出改写后的问题，用中文，一行。",
)
LAST = Message.bilingual("Last question: ", "最后一个问题：")
REWRITTEN = Message.bilingual("Rewritten question:", "改写后的问题：")

_LEANS_EN = re.compile(
    r"^\s*(?:and|but|or|so|then|also|what about|how about|what else|why not|why|really)\b"
    r"|\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|this|that|these|those|there"
    r"|the (?:former|latter|same|first|second|other)|one|ones)\b",
    re.IGNORECASE,
)
_NO_PRONOUN_EN = re.compile(
    r"\b(?:is|was|does|did|will|can|could|would|should|may) (?:it|there)\b(?= (?:rain|snow|legal"
    r"|possible|true|necessary|a|an|any|safe)\b)|\b(?:that|this) (?:is|are|was|were|can|has|have)\b"
    r"|(?<=\w )that\b(?= \w)|\bthere (?:is|are|was|were)\b|\b(?:is|are|was|were) there\b"
    r"|\bone of\b|\bthis (?:year|month|week)\b",
    re.IGNORECASE,
)
_PRONOUN_ZH = r"(?:[它她]们?|(?<![其吉])他们?|这个|那个|这些|那些|这种|那种|前者|后者|其)"
_LEANS_ZH = re.compile(
    r"^(?:那|那么|还有|另外|然后|而|再|也|以及|为什么|为何|怎么办|具体|详细|继续|比如|例如|这|该|此)"
    rf"|^其(?!他|它|中国|实)|(?!其){_PRONOUN_ZH}|其中|上述|上面|刚才|(?<!应)该(?!怎|如何)|呢[?？]?$"
)
_THIRD_PERSON_ZH = re.compile(r"[它她]们?|(?<![其吉])他们?")
_THIRD_PERSON_EN = re.compile(r"\b(?:it|they|them)\b", re.IGNORECASE)
_PARTICLE_ZH = re.compile(r"呢(?=[?？]?$)")
_NAME_EN = re.compile(r"(?<=\s)(?:[A-Z][\w-]*)(?:\s(?:[A-Z]|\d)[\w-]*)*")
_ASKING_ZH = re.compile(
    r"请问|什么时候|什么|怎么样|怎么|怎样|如何|哪些|哪里|哪个|几个|是否|可以|能不能|能否|需要|应该|有没有"
    r"|为什么|为何|还是|多[少大高远重久热冷长快深]|[吗呢吧了是在有]|[?？!！,，。;；:：、]"
)
_EDGES_ZH = re.compile(r"^[的和与\s]+|[的和与用要会能\s]+$")
_LABEL = re.compile(
    r"^\s*(?:rewritten question|question|standalone question|改写后的问题|改写后|问题)\s*[:：]\s*",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"^(?:那么?|还有|另外|然后|以及|and|but|so|then|what about|how about)[\s,，、]*", re.IGNORECASE
)


async def standalone_question(
    question: str,
    history: Sequence[ChatMessage],
    *,
    model: ChatModel | None,
    seconds: float = REWRITE_SECONDS,
) -> str:
    """Return the question as it would be asked without the conversation.

    A question that stands alone is returned unchanged, and no model is asked. What a model
    returns within `seconds` is used only if it is one short question about the same thing; else
    coded rules add the topic of the question before.
    """
    earlier = [turn for turn in history if turn.role == "user" and turn.content.strip()]
    if not earlier or not leans_on_history(question):
        return question
    if model is not None and model.kind == "model":
        rewritten = await _rewritten(question, history, model, seconds)
        if rewritten is not None:
            return rewritten
    return with_topic(question, [turn.content for turn in earlier])


def leans_on_history(question: str) -> bool:
    """Return whether the question needs the conversation: a pronoun, an ellipsis, a scrap."""
    if len(set(content_words(question))) < SHORT_WORDS:
        return True
    if language_of(question) == "zh":
        return bool(_LEANS_ZH.search(question.strip()))
    return bool(_LEANS_EN.search(_NO_PRONOUN_EN.sub(" ", question)))


def with_topic(question: str, earlier: Sequence[str]) -> str:
    """Return the question with the topic of the latest earlier question that has its own.

    A pronoun gives way to what it stands for where that is plain; else the topic goes in front.
    """
    # "And at night?" after "and in winter?": the topic is in the last question that has one.
    standing = [text for text in earlier if not leans_on_history(text)] or list(earlier)
    latest = standing[-1].strip()
    rest = _PARTICLE_ZH.sub("", _FILLER.sub("", question.strip()))
    if language_of(latest) == "zh":
        # What it is about: its first phrases that ask nothing.
        phrases: list[str] = []
        for part in _ASKING_ZH.split(latest):
            phrase = _EDGES_ZH.sub("", part)
            if len(phrase) > 1 and len("".join(phrases)) < TOPIC_CHARACTERS:
                phrases.append(phrase)
        phrases = phrases or [latest.rstrip("?？ ")]
        topic, subject, pronoun = " ".join(phrases), phrases[0].partition("的")[0], _THIRD_PERSON_ZH
    else:
        topic = " ".join(latest.rstrip("?.! ").split()[:TOPIC_WORDS])
        name = _NAME_EN.search(latest)
        subject, pronoun = name.group() if name else "", _THIRD_PERSON_EN
    # A function as replacement: a backslash in a topic is no group reference.
    if subject and pronoun.search(rest):
        return pronoun.sub(lambda _: subject, rest, count=1)
    return f"{topic} {rest}".strip()


async def _rewritten(
    question: str, history: Sequence[ChatMessage], model: ChatModel, seconds: float
) -> str | None:
    """Ask the model; None if it fails, takes too long or returns no question of use."""
    prompt = rewriting_prompt(question, history)
    try:
        # The search waits for this: a slow model must not cost more than the rules are worse.
        async with asyncio.timeout(seconds):
            text = await collect_reply(model, prompt, longest=LONGEST_QUESTION)
    except (TimeoutError, ModelError):
        return None
    line = _LABEL.sub("", text.strip()).strip(" \"'“”「」*`")
    # A model that answers instead of asking, or changes the subject, shares no words with it.
    known = set(content_words(" ".join([question, *(turn.content for turn in history)])))
    fits = 0 < len(line) <= LONGEST_QUESTION and "\n" not in line
    thinks = THINK_OPEN in line or THINK_CLOSE in line
    return line if fits and not thinks and not known.isdisjoint(content_words(line)) else None


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
