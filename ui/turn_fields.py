"""A turn as the values that the page builds it from, in one language.

Each field is drawn by itself, so that a growing answer sends only what has changed: see
`static/conversation.js`, which knows the same names.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_never
from urllib.parse import unquote

from assistant.events import AnswerFailed
from assistant.labels import (
    NO_TEXT_INDEX,
    NO_TEXT_OFFLINE,
    QUOTES,
    QUOTES_ABOVE,
    SOURCES,
    STAGES,
    describe_day,
    describe_page,
    evidence_label,
)
from assistant.values import Citation, Passage, SentenceVerdict
from ingest.events import PageSkipped, PageStored
from ingest.foundation.messages import Language, Message
from ingest.report import REASONS
from ingest.web.urls import host_of
from ui import labels
from ui.follow_ups import follow_ups
from ui.jobs.kept_files import uploads_folder
from ui.markup.markup_tree import (
    MAX_SENTENCES,
    SENTENCE_BASE,
    SENTENCE_END,
    Node,
    markup_tree,
    split_blocks,
    strip_private,
)
from ui.page_terms import begin_sentence, in_page_terms
from ui.session import PageTurn

Fields = dict[str, Any]

_EXCEPTION = re.compile(
    r"\s*[(（](?P<words>[A-Z]\w*(?:Error|Timeout|Exception)\b.*)[)）]\s*$", re.DOTALL
)
"""The name of an exception with its text, in brackets at the end of a message."""

PART_CHARACTERS = 400
"""Finished text is drawn in parts of this size at least; only the last one is drawn anew."""

TITLE_CHARACTERS = 90
"""Longer titles are cut: they are lists of keywords."""


def turn_fields(turn: PageTurn, language: Language) -> Fields:
    """Return all that the page shows of a turn. Held under its conversation's lock."""
    failure, feedback, answer = turn.failure, turn.feedback, turn.answer
    # Quotes whose own text does not begin with saying so.
    is_unlabelled = (answer is not None and answer.kind == "quotes") and not answer.text.startswith(
        tuple(QUOTES_ABOVE.in_each_language().values())
    )
    fields: Fields = {
        "question": turn.question,
        "web": turn.web,
        "collections": [labels.collection_label(c).localize(language) for c in turn.collections],
        "state": turn.state,
        "status": progress_label(turn, language),
        "steps": list(step_lines(turn, language)),
        "notices": [
            begin_sentence(in_page_terms(one).localize(language), language)
            for one in _notices(turn)
        ],
        "kind": QUOTES.localize(language) if is_unlabelled else "",
        "trust": trust_note(turn, language),
        "failure": failure and _failure_fields(failure, language),
        "sources": source_lines(turn, language),
        "feedback": feedback
        and {
            "rating": feedback.rating,
            "reasons": list(feedback.reasons),
            "correction": feedback.correction,
        },
        "explained": bool(answer is not None and answer.id),
        "follow_ups": follow_ups(turn, language),
    }
    if turn.passages:
        fields["passages"] = [passage_card(p, turn, language) for p in turn.passages]
    fields |= {f"reasoning.{k}": tree for k, tree in enumerate(_parts(turn, "reasoning"))}
    fields |= _answer_fields(turn, language)
    for index, (_, verdict) in enumerate(turn.checked[:MAX_SENTENCES]):
        fields[f"s.{index}"] = _verdict(verdict)
    return fields


def progress_label(turn: PageTurn, language: Language) -> str:
    """Return the state of the turn in a few words; the page adds the time it has taken."""
    match turn.state:
        case "waiting":
            return labels.QUEUED.localize(language)
        case "running" if turn.reading:
            return Message("Reading {name}", name=turn.reading).localize(language)
        case "running":
            stage = STAGES[turn.stage] if turn.stage else labels.OPENING
            label = stage.localize(language)
            if turn.stage == "read":
                far = labels.pages_so_far(len(turn.pages), len(turn.titles), language)
                return f"{label} · {far}"
            is_thinking = bool(turn.reasoning) and not turn.text
            return labels.THINKING.localize(language) if is_thinking else label
        case "done":
            stored = sum(isinstance(page, PageStored) for page in turn.pages)
            if turn.pages:
                return labels.pages_read(stored, len(turn.pages) - stored, language)
            searched = turn.web and bool(turn.query)
            looked = labels.SEARCHED_WEB if searched else labels.FROM_INDEX
            return (looked if turn.stage else labels.REPLIED).localize(language)
        case "stopped":
            return labels.STOPPED.localize(language)
        case "interrupted":
            return labels.INTERRUPTED.localize(language)
        case "failed":
            return labels.FAILED.localize(language)
        case _:
            assert_never(turn.state)


def step_lines(turn: PageTurn, language: Language) -> Iterator[Fields]:
    """Yield the search query, what became of each page, and how much was chosen."""
    if turn.query:
        found = labels.pages_found(len(turn.titles), language)
        yield {
            "icon": "search",
            "name": labels.searched_for(turn.query).localize(language),
            "detail": found,
        }
    named = []
    for page in turn.pages:
        host = display_place(page.url)
        own = page.title if isinstance(page, PageStored) else ""
        named.append((shorten_title(own or turn.titles.get(page.url, "") or host), host))
    for page, (name, host) in zip(turn.pages, named, strict=True):
        # Two pages of one name would look like one that was read twice.
        is_alone = named.count((name, host)) == 1 or not _is_web(page.url)
        place = host if is_alone else unquote(page.url.partition("://")[2]).removeprefix("www.")
        match page:
            case PageStored():
                yield {"icon": "read", "name": name, "detail": place}
            case PageSkipped():
                reason = REASONS[page.reason].localize(language)
                rule = " ".join(page.robots.split()) if page.reason == "robots" else ""
                detail = " · ".join([place, reason, *([rule] if rule else [])])
                yield {"icon": "skipped", "name": name, "detail": detail}
            case _:
                assert_never(page)
    if turn.passages is not None and turn.stage is not None:
        pages = len({passage.url for passage in turn.passages})
        chosen = labels.passages_chosen(len(turn.passages), pages, language)
        yield {"icon": "chosen", "name": chosen, "detail": ""}


def trust_note(turn: PageTurn, language: Language) -> str:
    """Return how much of the answer stands in its sources; "" where that is unsaid."""
    note = turn.answer.trust_note if turn.answer is not None else None
    return note.localize(language) if note else ""


def source_lines(turn: PageTurn, language: Language) -> Fields | None:
    """Return the numbered sources under their heading, None before the answer is finished."""
    if turn.answer is None or not turn.answer.citations:
        return None
    lines = [
        {
            "n": citation.number,
            "title": shorten_title(citation.title) or display_place(citation.url),
            "url": citation.url if _is_web(citation.url) else "",
            "detail": _place_and_days(citation, language),
            "heading": citation.heading,
            "fetched": describe_day(citation, language),
        }
        for citation in turn.answer.citations
    ]
    return {"label": SOURCES.localize(language), "lines": lines}


def passage_card(passage: Passage, turn: PageTurn, language: Language) -> Fields:
    """Return what the card at `[n]` shows: the passage, and where in it evidence stands."""
    evidence = [
        [block.start, block.end]
        for block in turn.evidence.blocks
        if block.passage == passage.number
    ]
    return {
        "n": passage.number,
        "title": shorten_title(passage.title) or display_place(passage.url),
        "url": passage.url if _is_web(passage.url) else "",
        "detail": _place_and_days(passage, language),
        "fetched": describe_day(passage, language),
        "heading": passage.heading,
        "text": passage.text,
        "evidence": evidence,
    }


def path_of_file(url: str) -> Path:
    """Return the path that a file:// URL names."""
    return Path(unquote(url.removeprefix("file://")))


def display_place(url: str) -> str:
    """Return where a page is from, as people name it: its host, or the path of a file.

    A file that was added in the browser is named without its folder.
    """
    if url.startswith("file://"):
        path = path_of_file(url)
        folder = uploads_folder()
        # The folder of what was added here says nothing to those who added it.
        return str(path.relative_to(folder) if path.is_relative_to(folder) else path)
    return host_of(url).removeprefix("www.") or url


def shorten_title(title: str) -> str:
    """Return `title` on one line of at most `TITLE_CHARACTERS`."""
    line = " ".join(title.split())
    return line if len(line) <= TITLE_CHARACTERS else f"{line[: TITLE_CHARACTERS - 1]}…"


def _failure_fields(failure: AnswerFailed, language: Language) -> Fields:
    """Return what happened, what to do, and the program's own word for it, which few can use."""
    message = begin_sentence(failure.message.localize(language), language)
    detail = _EXCEPTION.search(message)
    return {
        "message": message[: detail.start()] if detail else message,
        "hint": begin_sentence(in_page_terms(failure.hint).localize(language), language),
        "detail": detail["words"] if detail else "",
    }


def _is_web(url: str) -> bool:
    # The index also holds local files; and javascript: in a link would run in our page.
    return url.startswith(("https://", "http://"))


def _place_and_days(source: Citation | Passage, language: Language) -> str:
    day = labels.published_on(source.published, language) if source.published else ""
    page = describe_page(source).localize(language)
    return " · ".join(filter(None, [display_place(source.url), page, day]))


def _notices(turn: PageTurn) -> list[Message]:
    ending = {"stopped": labels.STOPPED_NOTE, "interrupted": labels.INTERRUPTED_NOTE}
    note = ending.get(turn.state)
    return [*turn.notices, note] if note else turn.notices


def _verdict(verdict: SentenceVerdict) -> list[Any]:
    return [verdict.kind, verdict.passage or 0, verdict.start, verdict.end]


def _answer_fields(turn: PageTurn, language: Language) -> Fields:
    """Return the answer so far; before its first word, the evidence."""
    answer_text = turn.answer.text if turn.answer is not None else ""
    offline = (NO_TEXT_INDEX, NO_TEXT_OFFLINE)
    if answer_text and any(answer_text in text.in_each_language().values() for text in offline[:1]):
        # The answer's own words name an option of the command line; the page has a switch.
        return {"part.0": [["p", None, labels.NOT_IN_INDEX.localize(language)]]}
    if not turn.text and turn.evidence.blocks:
        # Something to read within a second, long before a model on a processor says a word; and
        # what is left when it fails.
        blocks = [[strip_private(block.text), block.passage] for block in turn.evidence.blocks]
        label = evidence_label(turn.evidence.answerability).localize(language)
        return {"evidence": {"label": label, "blocks": blocks}}
    return {f"part.{k}": tree for k, tree in enumerate(_parts(turn, "text"))}


def _parts(turn: PageTurn, name: str) -> list[list[Node]]:
    """Return the trees of the answer's text or reasoning; those of finished parts are kept."""
    text = _with_ends(turn) if name == "text" else strip_private(turn.reasoning.strip())
    sources = {p.number: p.url for p in turn.passages or ()} if name == "text" else {}
    # Which numbers are sources may change what a part looks like.
    settled, trees = turn.trees.get(name, ("", []))
    key = f"{len(sources)}\n"
    if not f"{key}{text}".startswith(settled) or not settled:
        settled, trees = key, []
    rest = f"{key}{text}"[len(settled) :]
    part = ""
    for block in split_blocks(rest)[:-2]:
        part += block
        if len(part) >= PART_CHARACTERS:
            trees = [*trees, markup_tree(part, sources)]
            settled, rest, part = settled + part, rest[len(part) :], ""
    turn.trees[name] = (settled, trees)
    return [*trees, markup_tree(rest, sources)] if rest.strip() else trees


def _with_ends(turn: PageTurn) -> str:
    """Return the answer so far with `SENTENCE_END` where checked sentences end."""
    # Of a page's or a model's text, the same characters are none of ours.
    text = strip_private(turn.text)
    pieces, begin = [], 0
    for index, (end, _) in enumerate(turn.checked[:MAX_SENTENCES]):
        sentence = text[begin:end].rstrip()
        # Behind its last bar, a row of a table ends.
        if sentence.endswith("|"):
            sentence = sentence.removesuffix("|").rstrip()
        pieces.append(f"{sentence}{SENTENCE_END}{chr(SENTENCE_BASE + index)}")
        begin += len(sentence)
    return "".join([*pieces, text[begin:]])
