"""Events into what is known of a turn, and a turn onto the page."""

import time
from typing import Any, Literal, assert_never

import streamlit as st

from assistant.answers import Citation
from assistant.events import (
    AnswerDelta,
    AnswerEvent,
    AnswerFinished,
    Notice,
    PassagesChosen,
    ReasoningDelta,
    SearchFinished,
    StageStarted,
)
from assistant.labels import FETCHED, QUOTES, SOURCES, STAGES
from ingest.errors import AssistantError
from ingest.events import PageSkipped, PageStored
from ingest.report import REASONS
from ingest.urls import host_of
from ingest.wording import Language
from ui import labels
from ui.prose import Source, answer, link, literal, shortened
from ui.session import Turn

FRAME_S = 0.06
"""Seconds between two drawings of a growing text: smooth to the eye, light on the browser."""


def take(turn: Turn, event: AnswerEvent) -> None:
    """Write down what `event` says."""
    match event:
        case StageStarted():
            turn.stage = event.stage
        case SearchFinished():
            turn.query = event.query
            turn.titles = {hit.url: hit.title for hit in event.hits}
        case PageStored() | PageSkipped():
            turn.pages.append(event)
        case PassagesChosen():
            turn.passages = len(event.passages)
            turn.sources = {p.number: Source(url=p.url, title=p.title) for p in event.passages}
        case ReasoningDelta():
            turn.reasoning += event.text
        case AnswerDelta():
            turn.text += event.text
        case Notice():
            turn.notices.append(event.text)
            if event.code == "reasoning_leaked":  # what was said so far was thinking
                turn.reasoning, turn.text = turn.reasoning + turn.text, ""
        case AnswerFinished():
            turn.answer = event.answer
            turn.text, turn.reasoning = event.answer.text, event.answer.reasoning
        case _:
            assert_never(event)


def progress_label(turn: Turn, language: Language) -> str:
    """Return the one line that says how far the turn is."""
    time_taken = labels.seconds(round(turn.seconds), language)
    match turn.state:
        case "waiting" | "running":
            stage = STAGES[turn.stage] if turn.stage else labels.OPENING
            parts = [stage.to(language)]
            if turn.stage == "read":
                parts.append(labels.pages_so_far(len(turn.pages), len(turn.titles), language))
        case "done":
            stored = sum(isinstance(page, PageStored) for page in turn.pages)
            skipped = len(turn.pages) - stored
            read = labels.pages_read(stored, skipped, language)
            parts = [read if turn.pages else labels.FROM_INDEX.to(language)]
        case "stopped":
            parts = [labels.STOPPED.to(language)]
        case "failed":
            parts = [labels.FAILED.to(language)]
        case _:
            assert_never(turn.state)
    return " · ".join([*parts, time_taken])


def progress_lines(turn: Turn, language: Language) -> str:
    """Return as Markdown what was searched, what became of each page, and what was chosen."""
    lines = []
    if turn.query:
        found = labels.pages_found(len(turn.titles), language)
        searched = labels.SEARCHED.to(language)
        lines.append(f":material/search: {searched} “{literal(turn.query)}” · {found}")
    lines += [page_line(page, turn.titles.get(page.url, ""), language) for page in turn.pages]
    if turn.passages is not None:
        pages = len({source.url for source in turn.sources.values()})
        chosen = labels.passages_chosen(turn.passages, pages, language)
        lines.append(f":material/format_quote: {chosen}")
    return "\n\n".join(lines)


def page_line(page: PageStored | PageSkipped, title: str, language: Language) -> str:
    """Return one page as Markdown: read, or skipped and why."""
    host = host_of(page.url) or page.url
    match page:
        case PageStored():
            name = shortened(page.title or title or host)
            return f":material/check: {literal(name)} · :gray[{literal(host)}]"
        case PageSkipped():
            name = shortened(title or host)
            where = f" · {literal(host)}" if name != host else ""
            rule = f" (`{_code(page.robots)}`)" if page.reason == "robots" and page.robots else ""
            reason = REASONS[page.reason].to(language)
            return f":gray[:material/remove: {literal(name)}{where}] · {reason}{rule}"
        case _:
            assert_never(page)


def source_line(citation: Citation, language: Language) -> str:
    """Return one numbered source as Markdown: title, site, and the day it was fetched."""
    host = host_of(citation.url)
    name = shortened(citation.title) or host
    source = Source(url=citation.url, title=citation.url)
    day = citation.fetched_at.astimezone().date().isoformat()
    details = f"{literal(host)} · {FETCHED.to(language)} {day}"
    return f"**{citation.number}** {link(name, source)} :gray[{details}]"


def answer_text(turn: Turn, language: Language) -> str:
    """Return the answer so far as Markdown."""
    if turn.answer is not None and turn.answer.kind == "nothing" and not turn.web:
        return labels.NOT_IN_INDEX.to(language)  # the answer's own words name a command's option
    return answer(turn.text, turn.sources)


def error_text(error: AssistantError, language: Language) -> str:
    """Return as Markdown what happened and, on a line of its own, what to do."""
    hint = error.hint.to(language)
    happened = literal(error.message.to(language))
    return f"**{happened}**" + (f"\n\n{literal(hint)}" if hint else "")


def _code(text: str) -> str:
    return " ".join(text.replace("`", "'").replace("|", "/").split())


class TurnView:
    """The place of one turn on the page. `draw` brings it up to date as often as one likes."""

    def __init__(self, turn: Turn, language: Language, *, key: str) -> None:
        self._turn = turn
        self._language: Language = language
        self._drawn_at = 0.0
        self._shown: dict[str, str] = {}
        with st.chat_message("user", avatar=":material/person:"), st.container(key=f"ask-{key}"):
            st.markdown(literal(turn.question))
        with st.chat_message("assistant", avatar=":material/verified:"):
            self._status: Any = st.status(self._label(), type="compact")
            with self._status:
                self._lines = st.empty()
            self._notices = st.empty()
            self._thoughts: Any = None
            self._thoughts_place = st.empty()
            self._thoughts_text: Any = None
            self._kind = st.empty()
            with st.container(key=f"answer-{key}"):
                self._answer = st.empty()
            with st.container(key=f"sources-{key}"):
                self._sources = st.empty()
            self._error = st.empty()

    def draw_if_due(self) -> None:
        """Draw, unless the last drawing was only just now."""
        if time.monotonic() - self._drawn_at >= FRAME_S:
            self.draw()

    def draw(self) -> None:
        """Show what has changed since the last drawing, and the time that has passed."""
        turn, language = self._turn, self._language
        self._drawn_at = time.monotonic()
        states = {"done": "complete", "stopped": "complete", "failed": "error"}
        self._status.update(label=self._label(), state=states.get(turn.state, "running"))
        self._set("lines", self._lines.markdown, progress_lines(turn, language))
        self._set("notices", self._notices.caption, _notice_lines(turn, language))
        self._draw_thoughts()
        if turn.answer is not None and turn.answer.kind == "quotes":
            self._set("kind", self._draw_kind, QUOTES.to(language))
        self._set("answer", self._answer.markdown, answer_text(turn, language))
        self._set("sources", self._sources.markdown, self._source_list())
        if turn.error is not None:
            self._set("error", self._draw_error, error_text(turn.error, language))

    def _label(self) -> str:
        return progress_label(self._turn, self._language)

    def _set(self, slot: str, show: Any, text: str) -> None:
        """Show `text` in a slot, unless it is there already."""
        if self._shown.get(slot, "") != text:
            self._shown[slot] = text
            show(text)

    def _draw_kind(self, text: str) -> None:
        self._kind.badge(text, icon=":material/format_quote:", color="orange")

    def _draw_error(self, text: str) -> None:
        self._error.error(text, icon=":material/error:")

    def _draw_thoughts(self) -> None:
        """Show the reasoning folded: it is the model's scratch paper, not the answer."""
        turn = self._turn
        if not turn.reasoning.strip():
            return
        thinking = turn.state == "running" and not turn.text
        label = (labels.THINKING if thinking else labels.THOUGHTS).to(self._language)
        state: Literal["running", "complete"] = "running" if thinking else "complete"
        if self._thoughts is None:
            self._thoughts = self._thoughts_place.status(label, type="compact", state=state)
            with self._thoughts:
                self._thoughts_text = st.empty()
            self._shown["thinking"] = label
        if self._shown["thinking"] != label:
            self._thoughts.update(label=label, state=state)
            self._shown["thinking"] = label
        self._set("thoughts", self._thoughts_text.markdown, answer(turn.reasoning.strip(), {}))

    def _source_list(self) -> str:
        turn, language = self._turn, self._language
        if turn.answer is None or not turn.answer.citations:
            return ""
        lines = [source_line(citation, language) for citation in turn.answer.citations]
        return "\n\n".join([f"**{SOURCES.to(language)}**", *lines])


def _notice_lines(turn: Turn, language: Language) -> str:
    notices = list(turn.notices)
    if turn.state == "stopped":
        notices.append(labels.STOPPED_NOTE.to(language))
    return "\n\n".join(f":material/info: {literal(notice)}" for notice in notices)
