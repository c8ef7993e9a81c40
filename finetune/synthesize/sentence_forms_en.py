"""Questions of English sentences whose predicate tells what is asked for: where, by whom, of what.

"The tower is located in Penmar." asks "Where is the tower located?" The patterns of
`predicates_en` have one reading each; a sentence asks one question of them at most.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from finetune.synthesize import predicates_en
from finetune.synthesize.drafts import DraftKind, QuestionDraft, SourceText, is_whole_sentence
from finetune.synthesize.rules_en import (
    ABBREVIATED,
    SHORTEST,
    in_mid_sentence,
    is_subject,
)
from finetune.synthesize.sentence_parts_en import (
    LEANS,
    PAST_FORMS,
    POINTS,
    SAYS_NOT_WHICH,
    split_verb,
)

LONGEST = 300
"""Characters of a sentence: longer than what `rules_en` reads, as one clause alone is asked for."""

MOST_PREDICATE_WORDS = 10
"""Words of a predicate that a question repeats, and of a name that answers it."""

_POINTS_AWAY = re.compile(
    r"\b(?:this|these|those|former|latter|above|below|following|same|we|our|us|I|my|you|your)\b"
)
"""Words that point out of their sentence. "Its" and "they" behind what is asked for point to it."""
_NO_SUBJECT = re.compile(
    r"\b(?:must|will|can|may|might|should|shall|would|could|cannot|do|does|did|not|or|to|then|others?"
    r"|until|unless|nothing|everything|something|anything|happens?"
    r"|rest|remaining|such|previous|next|resulting|corresponding|respective|said)\b"
    r"|\bof -?\d+$"
)
"""What holds a verb of its own, is the rest of something named before, or could be anything, as
"a value of 3"."""
_LEANS_WITHIN = re.compile(r"\b(?:then|thus|therefore|again|instead|however|too|also|otherwise)\b")
_SAYS_LITTLE = re.compile(
    r"(?:about |only )?(?:several|many|various|some|certain|multiple|a (?:number|lot|few))\b"
    r"|(?:an? |the )?(?:examples?|illustration|such|follows)\b"
)
"""Beginning of an answer that names nothing: "several steps", "an example"."""
_COUNTS = re.compile(r"(?:Only|Each|Much|One|None)\b(?! of\b)")
"""Begins a subject that is some of its kind: "only one statement"."""
_GOES_ON = re.compile(
    r"\b(?:and|or|but|so) (?:can|does|has|have|is|are|may|must|needs?|refers?|represents?|requires?"
    r"|should|uses?|was|were|will)\b|, see\b"
    r"|, and (?:an?|the) (?:(?!that\b|which\b)[^\s,;]+ )+(?:can|is|are|was|were|will|may|must)\b"
)
"""In what is named: the sentence goes on about its subject, or leads to another text."""
_WHEN_CALLED = re.compile(
    r"(?:when(?:ever)?|while|before|after|once|if|only|by|in|at|with|from|to|every|each|again|twice"
    r"|automatically|directly|internally|recursively|repeatedly)\b"
)
"""Behind "is called", of a function: "when the pump starts", "by Alma"."""
_CUT_SHORT = re.compile(
    r" (?!(?:shed|bed|[a-z]*eed)$)(?:[a-z]+ed|built|done|found|given|held|kept|known|made|written)$"
)
"""End of "a table created", which the sentence goes on to tell more of."""
_BRACKETS = re.compile(r" \([^()]*\)")
_SMALL_DOT = "\u2024"
"""Stands for the dot of "Mr." while a sentence is read: none of its dots but the last ends it."""


class _PredicateQuestion(NamedTuple):
    """What one form makes of a sentence."""

    question: str
    answer: str
    kind: DraftKind
    subject: str
    """What it is about, as the sentence has it."""


def ask_by_predicate(source: SourceText) -> Iterator[QuestionDraft]:
    """Yield the question that a sentence answers by its predicate, one at most."""
    text = source.unit.text
    if not _says_its_subject(text):
        return
    # "Tyneside (pop. 829,300) is …": the form is read without what is said in brackets.
    bare = _BRACKETS.sub("", ABBREVIATED.sub(rf"\1{_SMALL_DOT}", text))
    made = next((one for ask in _FORMS if (one := ask(bare, source))), None)
    if made is None or POINTS.search(made.question) or _LEANS_WITHIN.search(made.question):
        return
    yield source.draft(
        " ".join(made.question.replace(_SMALL_DOT, ".").split()),
        text,
        text if made.kind == "cause" else made.answer.replace(_SMALL_DOT, "."),
        made.kind,
        names_page=made.kind == "cause" or not _is_name(made.subject, source),
    )


def _says_its_subject(text: str) -> bool:
    """Return whether a sentence says what it is about, as far as its first clause goes."""
    bare = ABBREVIATED.sub(r"\1", text)
    if "\n" in text or not SHORTEST <= len(text) <= LONGEST or not is_whole_sentence(text):
        return False
    # "In 1926 she opened": a date leads to the subject, other prepositions to half of it.
    leans = LEANS.match(bare) and not predicates_en.DATE_FIRST.match(bare)
    is_one = len(re.findall(r"[.!?](?=\s|$)", bare)) == 1
    return is_one and not leans and not _POINTS_AWAY.search(bare)


def _is_name(subject: str, source: SourceText) -> bool:
    """Return whether a subject is known by its name: "the tower" is that of its page."""
    bare = re.sub(r"^(?:[Tt]he|[Aa]n?) ", "", subject)
    # "function number 12" is one of a list of its page.
    if re.search(r"\b[a-z]+ -?\d+$", bare):
        return False
    if re.search(r"[A-Z0-9]", bare[bare == subject :]):
        return True  # apart from the capital that every sentence begins with
    is_word = " " in subject or source.is_known(subject.lower())
    return subject[:1].isupper() and not is_word


def _subject_of(found: re.Match[str] | None, source: SourceText) -> str:
    """Return the subject as it stands within a question, "" where there is none."""
    if found is None or not is_subject(found["subject"]) or _NO_SUBJECT.search(found["subject"]):
        return ""
    if SAYS_NOT_WHICH.fullmatch(found["subject"]) or _COUNTS.match(found["subject"]):
        return ""
    return in_mid_sentence(found["subject"], source)


def _ask_why(text: str, source: SourceText) -> _PredicateQuestion | None:
    found = predicates_en.WHY.fullmatch(text)
    subject = _subject_of(found, source)
    if not found or not subject or predicates_en.NO_CAUSE.search(found["predicate"]):
        return None
    if len(found["predicate"].split()) > MOST_PREDICATE_WORDS:
        return None
    aux = "can" if found["aux"] == "cannot" else found["aux"]
    no = " not" if found["no"] or found["aux"] == "cannot" else ""
    question = f"Why {aux} {subject}{no} {found['predicate']}?"
    return _PredicateQuestion(question, found["cause"], "cause", found["subject"])


def _ask_by_whom(text: str, source: SourceText) -> _PredicateQuestion | None:
    active = predicates_en.WHO_DID.match(text)
    if active and is_subject(active["agent"].replace(" and ", " ")):
        return _PredicateQuestion(f"Who {active['did']}?", active["agent"], "fact", active["did"])
    found = predicates_en.BY_WHOM.match(text)
    subject = _subject_of(found, source)
    if not found or not subject or len(found["agent"].split()) > MOST_PREDICATE_WORDS:
        return None
    if predicates_en.NO_AGENT.match(found["agent"]) or _CUT_SHORT.search(found["agent"]):
        return None
    # "Journal files are created by named": what does something and is nobody is asked for as well.
    who = "Who" if predicates_en.SOMEBODY.match(found["agent"]) else "What"
    question = f"{who} {found['aux']} {subject} {found['verb']} by?"
    return _PredicateQuestion(question, found["agent"], "fact", found["subject"])


def _ask_where(text: str, source: SourceText) -> _PredicateQuestion | None:
    found = predicates_en.WHERE.match(text)
    subject = _subject_of(found, source)
    if not found or not subject or predicates_en.NO_PLACE.search(found["place"]):
        return None
    if _CUT_SHORT.search(found["place"]):
        return None
    question = f"Where {found['aux']} {subject} {found['verb']}?"
    return _PredicateQuestion(question, found["place"], "fact", found["subject"])


def _ask_of_what(text: str, source: SourceText) -> _PredicateQuestion | None:
    if deed := predicates_en.USED_TO.match(text):
        subject = "" if _GOES_ON.search(deed["deed"]) else _subject_of(deed, source)
        question = f"What {deed['aux']} {subject} used for?"
        return (
            _PredicateQuestion(question, f"to {deed['deed']}", "fact", deed["subject"])
            if subject
            else None
        )
    found = predicates_en.OF_WHAT.match(text)
    subject = _subject_of(found, source)
    if not found or not subject or _SAYS_LITTLE.match(found["object"]):
        return None
    is_when = found["made"] == "called" and _WHEN_CALLED.match(found["object"])
    if is_when or _GOES_ON.search(found["object"]):
        return None
    if found["made"]:
        question = f"What {found['aux']} {subject} {found['made']}?"
    else:
        verb, gap, preposition = found["does"].partition(" ")
        aux, base = split_verb(verb)
        question = f"What {aux} {subject} {base}{gap}{preposition}?"
    return _PredicateQuestion(question, found["object"], "fact", found["subject"])


def _ask_when_done(text: str, source: SourceText) -> _PredicateQuestion | None:
    if passive := predicates_en.PASSIVE_DATED.match(text):
        subject = _subject_of(passive, source)
        question = f"When {passive['aux']} {subject} {passive['verb']}?"
        return (
            _PredicateQuestion(question, passive["when"], "date", passive["subject"])
            if subject
            else None
        )
    found = predicates_en.HAPPENED.match(text) or predicates_en.DATE_LED.match(text)
    subject = _subject_of(found, source)
    # "Ships launched in 1990 were lost": the verb that was found is none of the sentence.
    if not found or not subject or _OTHER_VERB.search(found["object"]):
        return None
    question = f"When did {subject} {PAST_FORMS[found['verb']]}{found['object']}?"
    return _PredicateQuestion(question, found["when"], "date", found["subject"])


_OTHER_VERB = re.compile(r"\b(?:was|were|is|are|had|has|and|who|which)\b")


def _ask_when_planned(text: str, source: SourceText) -> _PredicateQuestion | None:
    found = predicates_en.PLANNED.match(text) or predicates_en.TAKES_PLACE.match(text)
    subject = _subject_of(found, source)
    if not found or not subject:
        return None
    word = "By when" if found["at"] == "by" else "When"
    if found.re is predicates_en.PLANNED:
        question = f"{word} {found['aux']} {subject}{found['verb']}?"
    else:
        verb, gap, rest = found["verb"].partition(" ")
        question = f"{word} does {subject} {split_verb(verb)[1]}{gap}{rest}{found['object']}?"
    return _PredicateQuestion(question, found["time"] or found["span"], "date", found["subject"])


def _ask_how_much(text: str, source: SourceText) -> _PredicateQuestion | None:
    """Return the question for a price, a change, a measure or a size."""
    for pattern, value in _AMOUNTS.items():
        found = pattern.match(text)
        if not found or not (subject := _subject_of(found, source)):
            continue
        parts = found.groupdict()
        if pattern is predicates_en.COSTS:
            past = "do" if subject.endswith("s") else "did"
            question = f"How much {'does' if parts['verb'] == 'costs' else past} {subject} cost?"
        elif pattern is predicates_en.CHANGED:
            question = f"By how much did {subject} {split_verb(parts['verb'])[1]}?"
        elif pattern is predicates_en.MEASURED:
            question = f"How {parts['how']} {parts['aux']} {subject}?"
        else:
            verb = "was" if parts["verb"] == "had" else "is"
            question = f"What {verb} the {parts['size']} of {subject}?"
        return _PredicateQuestion(question, parts[value], "figure", parts["subject"])
    return None


_AMOUNTS = {
    predicates_en.COSTS: "price",
    predicates_en.CHANGED: "amount",
    predicates_en.MEASURED: "amount",
    predicates_en.OF_SIZE: "amount",
}
"""Pattern -> the group that is its answer."""


def _ask_which_is_most(text: str, source: SourceText) -> _PredicateQuestion | None:
    found = predicates_en.SUPERLATIVE.match(text)
    # "What is the capital of Norway?" names no page: what is largest "in the area", the page says.
    if not found or not is_subject(found["subject"]):
        return None
    question = f"What is the {found['rank']}?"
    return _PredicateQuestion(question, found["subject"], "fact", found["rank"])


def _ask_how_many(text: str, source: SourceText) -> _PredicateQuestion | None:
    if found := predicates_en.HAS_NUMBER.match(text):
        subject = _subject_of(found, source)
        aux, base = split_verb(found["verb"])
        question = f"How many {found['noun']} {aux} {subject} {base}?"
        answer = f"{found['number']} {found['noun']}"
        return _PredicateQuestion(question, answer, "figure", found["subject"]) if subject else None
    if found := predicates_en.NUMBER_FIRST.match(text):
        question = f"How many {found['noun']} {found['verb']}{found['rest']}?"
        return _PredicateQuestion(
            question, f"{found['number']} {found['noun']}", "figure", found["rest"]
        )
    return None


_FORMS: tuple[Callable[[str, SourceText], _PredicateQuestion | None], ...] = (
    _ask_why,
    _ask_by_whom,
    _ask_where,
    _ask_of_what,
    _ask_when_done,
    _ask_when_planned,
    _ask_how_much,
    _ask_which_is_most,
    _ask_how_many,
)
"""Tried in this order: the first that reads a sentence asks."""
