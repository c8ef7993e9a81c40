"""Events into what is known of a turn, and a turn onto the page."""

import time
from collections.abc import Callable
from typing import Any, Literal, assert_never

import streamlit as st

from assistant.events import (
    AnswerDelta,
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    Notice,
    PassagesChosen,
    ReasoningDelta,
    SearchFinished,
    StageStarted,
)
from assistant.labels import FETCHED, NO_TEXT_INDEX, QUOTES, SOURCES, STAGES
from assistant.values import Citation
from ingest.events import PageSkipped, PageStored
from ingest.foundation.messages import Language
from ingest.report import REASONS
from ui import labels
from ui.safe_markdown import Source, answer, link, literal, shortened, site_of
from ui.session import PageTurn, TurnState

FRAME_S = 0.06
"""Seconds between two drawings of a growing text: smooth to the eye, light on the browser."""


def apply_event(turn: PageTurn, event: AnswerEvent) -> None:
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
        case AnswerFinished() | AnswerFailed():
            _apply_end(turn, event)
        case _:
            assert_never(event)


def _apply_end(turn: PageTurn, event: AnswerFinished | AnswerFailed) -> None:
    match event:
        case AnswerFinished(answer=whole):
            # The answer's own text is the authority: citations may be repaired after their delta.
            turn.answer, turn.text, turn.reasoning = whole, whole.text, whole.reasoning
        case AnswerFailed():
            turn.failure = event
        case _:
            assert_never(event)


def progress_label(turn: PageTurn, language: Language) -> str:
    """Return the one line that says how far the turn is."""
    time_taken = labels.seconds(turn.seconds, language)
    match turn.state:
        case "waiting" | "running":
            stage = STAGES[turn.stage] if turn.stage else labels.OPENING
            parts = [stage.localize(language)]
            if turn.stage == "read":
                parts.append(labels.pages_so_far(len(turn.pages), len(turn.titles), language))
        case "done":
            stored = sum(isinstance(page, PageStored) for page in turn.pages)
            skipped = len(turn.pages) - stored
            read = labels.pages_read(stored, skipped, language)
            looked = labels.FROM_INDEX if turn.stage else labels.REPLIED
            parts = [read if turn.pages else looked.localize(language)]
        case "stopped":
            parts = [labels.STOPPED.localize(language)]
        case "failed":
            parts = [labels.FAILED.localize(language)]
        case _:
            assert_never(turn.state)
    return " · ".join([*parts, time_taken])


def progress_lines(turn: PageTurn, language: Language) -> str:
    """Return as Markdown what was searched, what became of each page, and what was chosen."""
    lines = []
    if turn.query:
        found = labels.pages_found(len(turn.titles), language)
        searched = labels.SEARCHED.localize(language)
        lines.append(f":material/search: {searched} “{literal(turn.query)}” · {found}")
    lines += [page_line(page, turn.titles.get(page.url, ""), language) for page in turn.pages]
    if turn.passages is not None and turn.stage is not None:
        pages = len({source.url for source in turn.sources.values()})
        chosen = labels.passages_chosen(turn.passages, pages, language)
        lines.append(f":material/format_quote: {chosen}")
    return "\n\n".join(lines)


def page_line(page: PageStored | PageSkipped, title: str, language: Language) -> str:
    """Return one page as Markdown: read, or skipped and why."""
    host = site_of(page.url)
    match page:
        case PageStored():
            name = shortened(page.title or title or host)
            return f":material/check: {literal(name)} · :gray[{literal(host)}]"
        case PageSkipped():
            name = shortened(title or host)
            where = f" · {literal(host)}" if name != host else ""
            rule = f" (`{_code(page.robots)}`)" if page.reason == "robots" and page.robots else ""
            reason = REASONS[page.reason].localize(language)
            return f":gray[:material/remove: {literal(name)}{where}] · {reason}{rule}"
        case _:
            assert_never(page)


def source_line(citation: Citation, language: Language) -> str:
    """Return one numbered source as Markdown: title, site, and the day it was fetched."""
    host = site_of(citation.url)
    name = shortened(citation.title) or host
    source = Source(url=citation.url, title=citation.url)
    day = citation.fetched_at.astimezone().date().isoformat()
    details = f"{literal(host)} · {FETCHED.localize(language)} {day}"
    return f"{literal(f'[{citation.number}]')} {link(name, source)} :gray[{details}]"


def answer_text(turn: PageTurn, language: Language) -> str:
    """Return the answer so far as Markdown."""
    if turn.answer is not None and turn.answer.text in NO_TEXT_INDEX.in_each_language().values():
        return labels.NOT_IN_INDEX.localize(
            language
        )  # the answer's own words name a command's option
    return answer(turn.text, turn.sources)


def error_text(turn: PageTurn, language: Language) -> str:
    """Return as Markdown what happened and, on a line of its own, what to do."""
    if turn.failure is None:
        return ""
    hint = turn.failure.hint.localize(language)
    happened = literal(turn.failure.message.localize(language))
    return f"**{happened}**" + (f"\n\n{literal(hint)}" if hint else "")


def _code(text: str) -> str:
    return " ".join(text.replace("`", "'").replace("|", "/").split())


def source_list(turn: PageTurn, language: Language) -> str:
    """Return the numbered sources as Markdown, "" before the answer is finished."""
    if turn.answer is None or not turn.answer.citations:
        return ""
    lines = [source_line(citation, language) for citation in turn.answer.citations]
    return "\n\n".join([f"**{SOURCES.localize(language)}**", *lines])


def notice_lines(turn: PageTurn, language: Language) -> str:
    """Return as Markdown what went less well than hoped."""
    notices = [*turn.notices, labels.STOPPED_NOTE] if turn.state == "stopped" else turn.notices
    lines = (literal(notice.localize(language)) for notice in notices)
    return "\n\n".join(f":material/info: {line}" for line in lines)


def kind_text(turn: PageTurn, language: Language) -> str:
    """Return what the answer is, where it is not what a reader would take it for."""
    quotes = turn.answer is not None and turn.answer.kind == "quotes"
    return QUOTES.localize(language) if quotes else ""


SLOTS: dict[str, tuple[Callable[[PageTurn, Language], str], str, dict[str, str]]] = {
    "steps": (progress_lines, "markdown", {}),
    "notices": (notice_lines, "caption", {}),
    "kind": (kind_text, "badge", {"icon": ":material/format_quote:", "color": "orange"}),
    "answer": (answer_text, "markdown", {}),
    "sources": (source_list, "markdown", {}),
    "error": (error_text, "error", {"icon": ":material/error:"}),
}
"""What is shown of a turn: its words, the widget that shows them, and the widget's options."""

WIDGET_STATES: dict[TurnState, Literal["running", "complete", "error"]] = {
    "waiting": "running",
    "running": "running",
    "done": "complete",
    "stopped": "complete",
    "failed": "error",
}


class TurnView:
    """The place of one turn on the page.

    A turn that is over is drawn once, without placeholders: they would collapse for a moment in
    every run of the page and take the reader's place away. A live one is brought up to date by
    `draw`, as often as one likes.
    """

    def __init__(self, turn: PageTurn, language: Language, *, key: str) -> None:
        self._turn = turn
        self._language: Language = language
        self._key = key
        self._live = turn.state in {"waiting", "running"}
        self._drawn_at = 0.0
        self._places: dict[str, Any] = {}
        self._shown: dict[str, str] = {}
        self._thoughts: Any = None
        with st.chat_message("user", avatar=":material/person:"), st.container(key=f"ask-{key}"):
            st.markdown("  \n".join(literal(line) for line in turn.question.splitlines()))
        with st.chat_message("assistant", avatar=":material/verified:"):
            state = WIDGET_STATES[turn.state]
            self._status: Any = st.status(self._label(), type="compact", state=state)
            with self._status, st.container(key=f"steps-{key}"):
                self._show("steps")
            self._show("notices")
            self._show_thoughts()
            self._show("kind")
            with st.container(key=f"answer-{key}"):
                self._show("answer")
            with st.container(key=f"sources-{key}"):
                self._show("sources")
            self._show("error")

    def draw_if_due(self) -> None:
        """Draw, unless the last drawing was only just now."""
        if time.monotonic() - self._drawn_at >= FRAME_S:
            self.draw()

    def draw(self) -> None:
        """Show what has changed since the last drawing, and the time that has passed."""
        self._drawn_at = time.monotonic()
        self._status.update(label=self._label(), state=WIDGET_STATES[self._turn.state])
        self._show_thoughts()
        for slot in SLOTS:
            self._show(slot)

    def _label(self) -> str:
        return progress_label(self._turn, self._language)

    def _show(self, slot: str) -> None:
        """Bring one slot up to date; the first time, make its place where the page is drawn."""
        words, widget, options = SLOTS[slot]
        text = words(self._turn, self._language)
        if slot not in self._places:
            self._places[slot] = st if text and not self._live else st.empty()
        if text != self._shown.get(slot, ""):
            self._shown[slot] = text
            getattr(self._places[slot], widget)(text, **options)

    def _show_thoughts(self) -> None:
        """Show the reasoning folded: it is the model's scratch paper, not the answer."""
        turn = self._turn
        reasoning = answer(turn.reasoning.strip(), {})
        if "thoughts" not in self._places:
            self._places["thoughts"] = st if reasoning and not self._live else st.empty()
        if not reasoning:
            return
        thinking = turn.state == "running" and not turn.text
        label = (labels.THINKING if thinking else labels.THOUGHTS).localize(self._language)
        state: Literal["running", "complete"] = "running" if thinking else "complete"
        if self._thoughts is None:
            self._thoughts = self._places["thoughts"].status(label, type="compact", state=state)
            with self._thoughts, st.container(key=f"thoughts-{self._key}"):
                self._places["reasoning"] = st.empty()
        elif self._shown["thoughts"] != label:
            self._thoughts.update(label=label, state=state)
        self._shown["thoughts"] = label
        if self._shown.get("reasoning") != reasoning:
            self._shown["reasoning"] = reasoning
            self._places["reasoning"].markdown(reasoning)
