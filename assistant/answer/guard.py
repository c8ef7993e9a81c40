"""What never reaches a person as an answer: nothing, markers alone, the prompt, a loop.

Small models do all of these, and their server calls each a success. What is found here is replaced
by the evidence, labelled, with a notice that says why.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from assistant.answer.verification.synonyms import word_stem
from assistant.values import SentenceVerdict
from ingest.foundation.messages import Language, Message
from ingest.text.language import cjk_share, language_of
from ingest.text.words import content_words, sentence_spans, words

ReplyProblem = Literal[
    "empty",
    "only_thinking",
    "recites_prompt",
    "restates_question",
    "other_language",
    "looped",
    "unsupported",
]

PROBLEMS: Mapping[ReplyProblem, Message] = {
    "empty": Message("The model gave no answer."),
    "only_thinking": Message("The model thought and gave no answer."),
    "recites_prompt": Message("The model repeated its instructions."),
    "restates_question": Message("The model only repeated the question."),
    "other_language": Message("The model answered in another language."),
    "looped": Message("The model repeated itself and was stopped."),
    "unsupported": Message("Nothing that the model answered stands in the pages."),
}
"""What is said of a reply that gives way. Quotes that take its place say so themselves."""

NGRAM = 5
"""Words in a row that a reply shares with the instructions by chance only rarely."""

RECITED_SHARE = 0.4
"""Share of a reply's n-grams that are in the instructions, from which on it recites them.
SmolLM2-135M, which does so in half of its replies to long prompts, has .6 and more; answers have 0.
"""

LEAD_IN_WORDS = 8
"""Words of a reply that ends in a colon, up to which it only announces an answer."""

MIN_LETTERS = 40
"""Letters of a reply from which on its language is judged: shorter ones are names."""

MIN_REPEATS = 4
"""Repeats of a unit of many words. Lists of rows that differ in one word repeat less than this."""

REPEATED_CHARACTERS = 90
"""That a loop has at least: "-----" and "ha ha ha" are none."""

MAX_UNIT_CHARACTERS = 400
"""Characters of what is repeated; a longer loop shows after its fourth round, as text does."""

LOOK_EVERY = 32
"""Characters of a reply between two looks for a loop."""

_ENDS = (*".。！？!?…", "\n")
_SENTENCE_END = re.compile(r"[.。！？!?…\n]+")

MARKERS = re.compile(r"[\[【［〔(（][^\]】］〕)）]{0,40}[\]】］〕)）]")
"""Brackets with little in them: what models write where a citation should stand."""

_ASKS_FOR_SOMETHING = re.compile(
    r"\b(?:what|which|who|whom|whose|where|when|why|how (?:many|much|long|old|often|far))\b"
    # Elsewhere it may be what is known: "Does he know how to swim?" 他知道如何游泳吗？
    r"|^\W*(?:(?:and|but|so)\W+)?how\b"
    r"|什么|谁|哪|多少|为何|几[个名位岁年天月次种]|何[时地处人]|(?:如何|怎[么样])(?!.*吗)",
    re.IGNORECASE,
)
_OFFERS_CHOICE = re.compile(
    r"\bor\b|\bwhich (?:of|one)\b|\bbetween\b.*\band\b|\band\b.*\bwhich\b|还是|或者?|[和与、].*哪",
    re.IGNORECASE,
)
"""Questions such as "which is larger, A or B?", whose answer is a word of theirs."""
_SHORT_ANSWERS = frozenset(
    """
    yes no not none nobody never nothing nowhere neither both all every everyone everybody always
    anyone you we i he she they them me us him her here now then before after above below over
    under few many most some several once twice up down off on out
    """.split()  # noqa: SIM905  a list of literals would be three times as long
)
"""Common words that say something by themselves: "Nobody.", "All of them."."""
_ABOUT_NOTES = re.compile(
    r"\b(?:(?:based on|according to|as (?:mentioned|stated|described) in|mentioned in|given in"
    r"|provided in|in|from) the (?:information (?:provided|given) in the )?(?:provided |given )?"
    r"(?:notes?|text|passages?|information|context|question)|the answer(?: to the question)? is"
    r"|following|there (?:is|are))\b",
    re.IGNORECASE,
)
"""What a model says of its notes, and not of the world."""
_ABOUT_NOTES_ZH = re.compile(
    r"(?:根据|按照|从)?(?:所?提供的?|以上|上述)?(?:资料|文本|段落|信息|原文)(?:中|显示|可知)?"
)
_IDEOGRAPH_OR_WORD = re.compile(r"[\u3400-\u9fff]|[A-Za-z]+|\d+(?:\.\d+)?")
MIN_RESTATED = 3
"""Content words from which on a reply out of the question's words says the question again."""
MIN_RESTATED_ZH = 6
"""Ideographs from which on it does so in Chinese."""
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty"
    r"|fifty|hundred|thousand)\b|[二三四五六七八九十百千万两][年月日天周岁个名次元层]",
    re.IGNORECASE,
)
_PARTICLES_ZH = frozenset("的了是在有和与及被把也都就其中这那之着过以为个所")
_LANGUAGE_ASKED = re.compile(
    # "Chinese drones" names no language, but losing a check costs less than a translation.
    r"\b(?:translat\w+|languages?|english|chinese|mandarin|cantonese|japanese|korean|french|german"
    r"|spanish|italian|portuguese|russian|arabic|latin|greek|hindi|pinyin)\b"
    r"|[中英日法德俄韩汉外原双]文|[英汉日法德俄韩双外]语|西班牙语|葡萄牙语|意大利语|阿拉伯语|拉丁[语文]"
    r"|普通话|粤语|翻译|译[成为作文]|直译|意译",
    re.IGNORECASE | re.ASCII,  # \b between 用 and English
)
"""Questions to which an answer in another language, or in two, may be what was asked for."""


def find_problem(
    text: str, *, reasoning: str, language: Language, instructions: str, question: str = ""
) -> ReplyProblem | None:
    """Return why a whole reply is no answer, None if it may be one.

    Args:
        text: The reply without its thinking.
        reasoning: Its thinking.
        language: The one that the answer is to be in, unless `question` names another.
        instructions: The system message of its prompt.
        question: What was asked.
    """
    plain = MARKERS.sub(" ", text)
    found = words(plain)
    # "The answer is:" and nothing behind it.
    if not found or (len(found) <= LEAD_IN_WORDS and plain.rstrip().endswith((":", "："))):
        return "only_thinking" if reasoning.strip() else "empty"
    if recited_share(found, instructions) >= RECITED_SHARE:
        return "recites_prompt"
    if restates_question(plain, question):
        return "restates_question"
    if _LANGUAGE_ASKED.search(question):
        return None
    letters = sum(character.isalpha() for character in plain)
    share = cjk_share(plain)
    # A Chinese sentence of 20 characters says as much as an English one of 60 letters.
    if language == "en" and share > 0.5 and letters >= MIN_LETTERS // 3:
        return "other_language"
    if language == "zh" and share < 0.1 and letters >= MIN_LETTERS:
        return "other_language"
    return None


def is_unsupported(verdicts: Sequence[SentenceVerdict], *, paraphrases_count: bool) -> bool:
    """Return whether a reply claims something and the passages support none of it.

    Args:
        verdicts: On all of its sentences.
        paraphrases_count: Whether a sentence counts that says nothing else than the passages, in
            words that they do not have. Of a small model it is wrong 27 times out of 31
            (bench/README.md); a large one may only have said it better.
    """
    kinds = {verdict.kind for verdict in verdicts}
    # "No claim" counts for neither: "Sure!" before a false sentence makes it no better.
    if "unsupported" not in kinds or kinds & {"supported", "re_attached", "unchecked"}:
        return False
    return paraphrases_count or not any(verdict.reasons == ("words",) for verdict in verdicts)


def recited_share(found: list[str], instructions: str) -> float:
    """Return the share of the reply's n-grams of words that are in the instructions, 0 to 1."""
    given = set(_ngrams(words(instructions)))
    grams = list(_ngrams(found))
    return sum(gram in given for gram in grams) / len(grams) if grams else 0.0


def restates_question(reply: str, question: str) -> bool:
    """Return whether a reply to "which …?" has no word that the question has not.

    Small models do it in one of ten wrong replies: "The type of disobedience mentioned in the notes
    is larger scale." To "is it …?" the question's words are an answer. So are a number and a few
    words: "30 days." to "How long is the 30-day return policy?", 白色 to 白宫是什么颜色的？
    """
    if _NUMBER.search(reply):
        return False
    if not _ASKS_FOR_SOMETHING.search(question) or _OFFERS_CHOICE.search(question):
        return False
    if language_of(question) == "zh":
        # By character: a bigram over a word that was left out is nowhere in the question.
        reply_words = (
            set(_IDEOGRAPH_OR_WORD.findall(_ABOUT_NOTES_ZH.sub("", reply))) - _PARTICLES_ZH
        )
        return len(reply_words) >= MIN_RESTATED_ZH and all(one in question for one in reply_words)
    found = set(words(reply))
    if (found & _SHORT_ANSWERS) - set(words(question)):
        return False
    question_words = {word_stem(word) for word in words(question)}
    reply_words = {word_stem(word) for word in content_words(_ABOUT_NOTES.sub(" ", reply))}
    return len(reply_words) >= MIN_RESTATED and not reply_words - question_words


def _ngrams(found: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(found[at:] for at in range(NGRAM)), strict=False)


class LoopDetector:
    """Sees when a streamed text begins to repeat its end again and again.

    Of what a model thinks, too: a reply that a thinking model gives without thinking comes as
    thinking up to its end, and may have none.
    """

    def __init__(self) -> None:
        self._text = ""
        self._looked_at = 0

    def ends_in_loop_after(self, text: str) -> bool:
        """Add the next piece; return whether the text so far ends in a loop."""
        self._text += text
        if len(self._text) - self._looked_at < LOOK_EVERY:
            return False
        self._looked_at = len(self._text)
        return loop_start(self._text) is not None

    def before_loop(self, text: str) -> str:
        """Return of the latest piece what is before the loop that was seen in it."""
        start = loop_start(self._text)
        before = len(self._text) - len(text)
        return text if start is None else text[: max(0, start - before)]


def without_loop(text: str) -> str:
    """Return a text that is known to end in a loop with what it repeats said once."""
    start = loop_start(text)
    ends = [end for _, end in sentence_spans(text)][-MIN_REPEATS:]
    while start is None and ends:
        # The last round was stopped in its midst, and got another marker than those before it.
        start = loop_start(text[: ends.pop()], least=2)
    return text if start is None else text[:start]


def loop_start(text: str, *, least: int = MIN_REPEATS) -> int | None:
    """Return where the repetition at the end of `text` begins, None if there is none.

    The first round of the loop is before it: `text[:start]` says all once. `least` is the number
    of its rounds from which it is a loop.
    """
    text = text.rstrip()
    for unit in range(1, min(MAX_UNIT_CHARACTERS, len(text) // least) + 1):
        # Cheap before exact: most units fail at their last character.
        if text[-1] != text[-1 - unit] or text[-unit:] != text[-2 * unit : -unit]:
            continue
        repeats, end = 2, text[-unit:]
        while text[-(repeats + 1) * unit : -repeats * unit] == end:
            repeats += 1
        if repeats >= least and repeats * unit >= REPEATED_CHARACTERS and words(end):
            return first_round_end(text, len(text) - (repeats - 1) * unit, unit)
    return None


def first_round_end(text: str, end: int, unit: int) -> int:
    """Return where the first round of a loop ends, given the end of any of its rounds.

    `unit` is the length of a round. `end` may be the middle of a sentence, since the loop was cut
    off anywhere: its rounds begin where `text` begins to repeat.
    """
    begin = end - unit
    while begin > 0 and text[begin - 1] == text[begin - 1 + unit]:
        begin -= 1
    end = begin + unit
    if _SENTENCE_END.search(text, 0, end) and not text[:end].rstrip().endswith(_ENDS):
        # What is before the loop ends as its rounds do, by chance: ". " goes with the round.
        found = _SENTENCE_END.search(text, end)
        return found.end() if found and found.end() - end < unit else end
    return end
