"""Applies events to a turn, and draws a turn on the page.

Nothing is localized before it is drawn: a turn is drawn anew in every run of the page, in the
language that is chosen then.
"""

import time
from collections.abc import Callable
from typing import Any, Literal, assert_never

import streamlit as st

from assistant.events import (
    AnswerDelta,
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    EvidenceChosen,
    Notice,
    PassagesChosen,
    ReasoningDelta,
    SearchFinished,
    SentenceChecked,
    StageStarted,
)
from assistant.labels import (
    FETCHED,
    NO_TEXT_INDEX,
    QUOTES,
    SOURCES,
    STAGES,
    UNSUPPORTED_SIGN,
    evidence_label,
)
from assistant.values import Citation
from ingest.events import PageSkipped, PageStored
from ingest.foundation.messages import Language
from ingest.report import REASONS
from ui import labels
from ui.safe_markdown import (
    Source,
    display_host,
    escape_markdown,
    render_answer,
    render_link,
    shorten_title,
)
from ui.session import PageTurn, TurnState

_SIGN = "\ue0ff"
"""Stands for the sign of an unsupported sentence while text becomes Markdown; Unicode gives it no
meaning."""

FRAME_S = 0.06
"""Seconds between two drawings of a growing text: smooth to the eye, light on the browser."""


def apply_event(turn: PageTurn, event: AnswerEvent) -> None:
    """Update `turn` with `event`."""
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
        case Notice():
            turn.add_notice(event)
        case _:
            _apply_reply(turn, event)


def _apply_reply(
    turn: PageTurn,
    event: EvidenceChosen
    | ReasoningDelta
    | AnswerDelta
    | SentenceChecked
    | AnswerFinished
    | AnswerFailed,
) -> None:
    match event:
        case EvidenceChosen():
            turn.evidence = event.evidence
        case SentenceChecked():
            if event.shown and event.verdict.kind == "unsupported":
                turn.unsupported.append(len(turn.text))
        case ReasoningDelta():
            turn.reasoning += event.text
        case AnswerDelta():
            turn.text += event.text
        case AnswerFinished():
            turn.finish(event.answer)
        case AnswerFailed():
            turn.failure = event
        case _:
            assert_never(event)


def progress_label(turn: PageTurn, language: Language) -> str:
    """Return the state of the turn on one line, with the time it has taken."""
    time_taken = labels.format_seconds(turn.seconds, language)
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


def render_progress(turn: PageTurn, language: Language) -> str:
    """Return as Markdown the search query, what became of each page, and how much was chosen."""
    lines = []
    if turn.query:
        found = labels.pages_found(len(turn.titles), language)
        searched = labels.SEARCHED.localize(language)
        lines.append(f":material/search: {searched} “{escape_markdown(turn.query)}” · {found}")
    lines += [
        render_page_line(page, turn.titles.get(page.url, ""), language) for page in turn.pages
    ]
    if turn.passages is not None and turn.stage is not None:
        pages = len({source.url for source in turn.sources.values()})
        chosen = labels.passages_chosen(turn.passages, pages, language)
        lines.append(f":material/format_quote: {chosen}")
    return "\n\n".join(lines)


def render_page_line(page: PageStored | PageSkipped, title: str, language: Language) -> str:
    """Return one page as Markdown: read, or skipped and why."""
    host = display_host(page.url)
    match page:
        case PageStored():
            name = shorten_title(page.title or title or host)
            return f":material/check: {escape_markdown(name)} · :gray[{escape_markdown(host)}]"
        case PageSkipped():
            name = shorten_title(title or host)
            where = f" · {escape_markdown(host)}" if name != host else ""
            rule = ""
            if page.reason == "robots" and page.robots:
                # As code, which Markdown leaves alone; "|" would still end a cell of a table.
                line = " ".join(page.robots.replace("`", "'").replace("|", "/").split())
                rule = f" (`{line}`)"
            reason = REASONS[page.reason].localize(language)
            return f":gray[:material/remove: {escape_markdown(name)}{where}] · {reason}{rule}"
        case _:
            assert_never(page)


def render_source_line(citation: Citation, language: Language) -> str:
    """Return one numbered source as Markdown: title, site, and the day it was fetched."""
    host = display_host(citation.url)
    name = shorten_title(citation.title) or host
    source = Source(url=citation.url, title=citation.url)
    day = citation.fetched_at.astimezone().date().isoformat()
    details = f"{escape_markdown(host)} · {FETCHED.localize(language)} {day}"
    return f"{escape_markdown(f'[{citation.number}]')} {render_link(name, source)} :gray[{details}]"


def render_answer_text(turn: PageTurn, language: Language) -> str:
    """Return the answer so far as Markdown."""
    if turn.answer is not None and turn.answer.text in NO_TEXT_INDEX.in_each_language().values():
        # The answer's own words name an option of the command line; the page has a switch.
        return labels.NOT_IN_INDEX.localize(language)
    if not turn.text and turn.evidence.blocks:
        # Something to read within a second, long before a model on a processor says a word; and
        # what is left when it fails.
        lines = [f"- {block.text} [{block.passage}]" for block in turn.evidence.blocks]
        text = "\n".join(
            [evidence_label(turn.evidence.answerability).localize(language), "", *lines]
        )
        return render_answer(text, turn.sources)
    sign = UNSUPPORTED_SIGN.localize(language)
    return render_answer(_with_signs(turn), turn.sources).replace(_SIGN, f" :gray[{sign}]")


def _with_signs(turn: PageTurn) -> str:
    """Return the answer so far with a character of our own where the signs belong."""
    # Of a page's or a model's text, the same character is none of ours.
    text = turn.text.replace(_SIGN, "\ufffd")
    for end in reversed(turn.unsupported):
        said = text[:end].rstrip()
        # Behind its last bar, a row of a table ends.
        end = len(said.removesuffix("|").rstrip()) if said.endswith("|") else len(said)
        text = text[:end] + _SIGN + text[end:]
    return text


def render_trust(turn: PageTurn, language: Language) -> str:
    """Return how much of the answer stands in its sources, as Markdown; "" where that is unsaid."""
    note = turn.answer.trust_note if turn.answer is not None else None
    return escape_markdown(note.localize(language)) if note else ""


def render_failure(turn: PageTurn, language: Language) -> str:
    """Return as Markdown what happened and, on a line of its own, what to do."""
    if turn.failure is None:
        return ""
    hint = turn.failure.hint.localize(language)
    happened = escape_markdown(turn.failure.message.localize(language))
    return f"**{happened}**" + (f"\n\n{escape_markdown(hint)}" if hint else "")


def render_sources(turn: PageTurn, language: Language) -> str:
    """Return the numbered sources as Markdown, "" before the answer is finished."""
    if turn.answer is None or not turn.answer.citations:
        return ""
    lines = [render_source_line(citation, language) for citation in turn.answer.citations]
    return "\n\n".join([f"**{SOURCES.localize(language)}**", *lines])


def render_notices(turn: PageTurn, language: Language) -> str:
    """Return the notices as Markdown, one a paragraph."""
    notices = [*turn.notices, labels.STOPPED_NOTE] if turn.state == "stopped" else turn.notices
    lines = (escape_markdown(notice.localize(language)) for notice in notices)
    return "\n\n".join(f":material/info: {line}" for line in lines)


def answer_kind(turn: PageTurn, language: Language) -> str:
    """Return the label of an answer that is quotes from pages, "" for any other."""
    is_quotes = turn.answer is not None and turn.answer.kind == "quotes"
    return QUOTES.localize(language) if is_quotes else ""


SLOTS: dict[str, tuple[Callable[[PageTurn, Language], str], str, dict[str, str]]] = {
    "steps": (render_progress, "markdown", {}),
    "notices": (render_notices, "caption", {}),
    "kind": (answer_kind, "badge", {"icon": ":material/format_quote:", "color": "orange"}),
    "answer": (render_answer_text, "markdown", {}),
    "trust": (render_trust, "caption", {}),
    "sources": (render_sources, "markdown", {}),
    "error": (render_failure, "error", {"icon": ":material/error:"}),
}
"""What is shown of a turn: the function that renders its text, the widget, the widget's options."""

WIDGET_STATES: dict[TurnState, Literal["running", "complete", "error"]] = {
    "waiting": "running",
    "running": "running",
    "done": "complete",
    "stopped": "complete",
    "failed": "error",
}


class TurnView:
    """The place of one turn on the page.

    A turn that is over is drawn once. A live one is brought up to date by `draw`, as often as one
    likes.
    """

    def __init__(self, turn: PageTurn, language: Language, *, key: str) -> None:
        self._turn = turn
        self._language: Language = language
        self._key = key
        # Placeholders (st.empty) only for a live turn: they collapse for a moment in every run of
        # the page, and the reader of an older turn would lose the place.
        self._is_live = turn.state in {"waiting", "running"}
        self._drawn_at = 0.0
        self._places: dict[str, Any] = {}
        self._shown: dict[str, str] = {}
        self._reasoning_fold: Any = None
        with st.chat_message("user", avatar=":material/person:"), st.container(key=f"ask-{key}"):
            lines = turn.question.splitlines()
            st.markdown("  \n".join(map(escape_markdown, lines)))  # two blanks: a line break
        with st.chat_message("assistant", avatar=":material/verified:"):
            state = WIDGET_STATES[turn.state]
            label = progress_label(turn, language)
            self._status: Any = st.status(label, type="compact", state=state)
            with self._status, st.container(key=f"steps-{key}"):
                self._show("steps")
            self._show("notices")
            self._show_reasoning()
            self._show("kind")
            with st.container(key=f"answer-{key}"):
                self._show("answer")
            self._show("trust")
            with st.container(key=f"sources-{key}"):
                self._show("sources")
            self._show("error")

    def draw_if_due(self) -> None:
        """Draw, unless the last drawing was less than `FRAME_S` ago."""
        if time.monotonic() - self._drawn_at >= FRAME_S:
            self.draw()

    def draw(self) -> None:
        """Show what has changed since the last drawing, and the time that has passed."""
        self._drawn_at = time.monotonic()
        label = progress_label(self._turn, self._language)
        self._status.update(label=label, state=WIDGET_STATES[self._turn.state])
        self._show_reasoning()
        for slot in SLOTS:
            self._show(slot)

    def _show(self, slot: str) -> None:
        """Bring one slot up to date; the first time, make its place where the page is drawn."""
        render, widget, options = SLOTS[slot]
        text = render(self._turn, self._language)
        if slot not in self._places:
            self._places[slot] = st if text and not self._is_live else st.empty()
        # Only what changed is sent: the browser renders a whole Markdown text anew for one letter.
        if text != self._shown.get(slot, ""):
            self._shown[slot] = text
            getattr(self._places[slot], widget)(text, **options)

    def _show_reasoning(self) -> None:
        """Show the reasoning folded: it is the model's scratch paper, not the answer."""
        turn = self._turn
        reasoning = render_answer(turn.reasoning.strip(), {})
        if "fold" not in self._places:
            self._places["fold"] = st if reasoning and not self._is_live else st.empty()
        if not reasoning:
            return
        is_thinking = turn.state == "running" and not turn.text
        label = (labels.THINKING if is_thinking else labels.REASONING).localize(self._language)
        state: Literal["running", "complete"] = "running" if is_thinking else "complete"
        if self._reasoning_fold is None:
            fold = self._places["fold"].status(label, type="compact", state=state)
            with fold, st.container(key=f"reasoning-{self._key}"):
                self._places["reasoning"] = st.empty()
            self._reasoning_fold = fold
        elif self._shown["fold"] != label:
            self._reasoning_fold.update(label=label, state=state)
        self._shown["fold"] = label
        if self._shown.get("reasoning") != reasoning:
            self._shown["reasoning"] = reasoning
            self._places["reasoning"].markdown(reasoning)
