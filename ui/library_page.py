"""What the index holds: look into it, add to it, take out of it."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import streamlit as st

from assistant.settings import Settings, load_settings
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Language, Message
from ingest.index.store.inventory import DocumentLine
from ingest.library import DocumentDetails, Library, LibraryStatistics, open_library
from ui import labels
from ui.jobs.ingest_job import IngestJob
from ui.jobs.polling import draw_polled, once
from ui.jobs.refresh import jobs_that_read_again
from ui.jobs.removal import DocumentRemoval
from ui.markup.safe_markdown import (
    escape_error,
    escape_markdown,
    escape_message,
    escape_notice,
    escape_settings_error,
)
from ui.page_terms import begin_sentence
from ui.service import AssistantService
from ui.turn_fields import display_place, shorten_title
from ui.uploads import keep_upload, without_library

T = TypeVar("T")

POLL_S = 0.5
"""Seconds between two looks at a job."""
SHOWN_URLS = 10
"""URLs shown of the documents that are to be removed."""
SEEN_JOB = "seen-job"
"""The jobs whose end the page has seen, in the session's state."""
SHOWN_DOCUMENTS = 1_000
"""Rows of the table; the search finds the others."""
SHOWN_CHUNKS = 50
"""Chunks shown of one document: a book has thousands."""
SEEN_REMOVAL = "seen-removal"
"""The removal that the page has seen, and in which state, in the session's state."""
COLUMN_PIXELS = (285, 172, 152, 88, 80, 108)
"""Widths of the table's columns, together that of the page: by their content, the last one may be
out of sight."""
GROWTH_PIXELS = 240
"""Height of the plot: it is read at a glance, below the table that matters more."""
REMOVAL_POLL_S = 1.0
"""Seconds between two looks at a removal."""


def draw_library(service: AssistantService, language: Language) -> None:
    """Draw the page."""
    st.title(labels.LIBRARY.localize(language), anchor=False)
    try:
        settings = load_settings()
        lines = _with_library(service, settings, lambda library: library.lines(order="date"))
        statistics = _with_library(service, settings, lambda library: library.statistics())
        service.jobs.collections = tuple(statistics.collections)
    except QiuzhengError as error:
        st.error(escape_settings_error(error, language))
        return
    draw_adding(service, language)
    draw_job(service, language)
    draw_removal(service, language)
    removal = service.jobs.removal
    if removal is not None and removal.state in ("waiting", "removing"):
        lines = [line for line in lines if line.url not in removal.urls]
    draw_documents(service, settings, lines, language)
    draw_statistics(statistics, language)


def _with_library(
    service: AssistantService, settings: Settings, use: Callable[[Library], Awaitable[T]]
) -> T:
    async def open_and_use() -> T:
        async with open_library(settings) as library:
            return await use(library)

    return service.run(open_and_use())


def draw_adding(service: AssistantService, language: Language) -> None:
    """Draw the ways in: addresses, and files."""
    with st.expander(labels.ADD.localize(language), icon=":material/add:"), st.form("add"):
        addresses = st.text_area(
            labels.ADDRESSES.localize(language), placeholder="https://…", height=100
        )
        files = st.file_uploader(labels.FILES.localize(language), accept_multiple_files=True)
        collection = st.text_input(
            labels.COLLECTION.localize(language), help=labels.COLLECTION_HELP.localize(language)
        ).strip()
        if not st.form_submit_button(labels.ADD_NOW.localize(language)):
            return
        sources = [line.strip() for line in addresses.splitlines() if line.strip()]
        # What is added again while its removal waits is not to be removed with it.
        service.run(service.jobs.finish_removal())
        try:
            sources += [str(keep_upload(file.name, file.getbuffer())) for file in files]
        except OSError as error:
            failed = Message("a file cannot be kept: {error}", error=error)
            st.error(escape_notice(failed, language))
            return
        if sources:
            options = ("--collection", collection) if collection else ()
            job = IngestJob(sources=tuple(sources), options=options)
            service.jobs.start_ingest(job, language=language)


def draw_job(service: AssistantService, language: Language) -> None:
    """Draw how far the reading has come, and what could not be read."""
    batch = service.jobs.batch
    if batch.jobs:
        # A look each half second that finds nothing new would keep browser and server busy.
        poll_s = None if batch.is_over else POLL_S
        draw_polled(draw_job_state, service, language, every_s=poll_s)


def draw_job_state(service: AssistantService, language: Language) -> None:
    """Draw the jobs as they are now; once more with the whole page when all have ended."""
    batch, job = service.jobs.batch, service.jobs.ingest
    done = Message(
        "{stored} stored, {unchanged} unchanged, {failed} not read",
        stored=batch.stored,
        unchanged=batch.unchanged,
        failed=batch.failed,
    )
    if job is not None and not batch.is_over:
        texts = [done, *([labels.time_left(job.seconds_left)] if job.seconds_left else [])]
        if service.jobs.waiting_ingests:
            texts.append(Message("{count} more wait", count=service.jobs.waiting_ingests))
        shown = " · ".join([*(text.localize(language) for text in texts), display_place(job.last)])
        st.progress(min(0.99, batch.settled / batch.total), text=escape_markdown(shown))
        return
    if st.session_state.get(SEEN_JOB) != id(batch):
        # Once: the table was drawn before the end.
        st.session_state[SEEN_JOB] = id(batch)
        st.rerun()
    # What could not begin has no counts.
    counts = [done.localize(language)] if len(batch.messages) < len(batch.jobs) else []
    (st.warning if batch.failed or batch.messages else st.success)(
        escape_markdown(begin_sentence(" · ".join([*batch.messages, *counts]), language))
    )
    for failure in batch.failures:
        # As text: in Markdown "->" would become an arrow, and a file may be named so.
        place, reason = display_place(failure.source), without_library(failure.reason)
        # Most reasons say of what they speak.
        shown = reason if place in reason else " · ".join(filter(None, (place, reason)))
        st.text(begin_sentence(shown, language))
    if batch.failures and st.button(labels.RETRY.localize(language), key="retry-ingest"):
        service.jobs.start_ingest(*batch.again(), language=language)
        # With the whole page: this fragment looks no more at what has ended.
        st.rerun()


def draw_removal(service: AssistantService, language: Language) -> None:
    """Draw what is being taken out, and the way to leave it where it is."""
    removal = service.jobs.removal
    if removal is not None:
        poll_s = REMOVAL_POLL_S if removal.state in ("waiting", "removing") else None
        draw_polled(draw_removal_state, service, removal, language, every_s=poll_s)


def draw_removal_state(
    service: AssistantService, removal: DocumentRemoval, language: Language
) -> None:
    """Draw the removal as it is now; once more with the whole page when its state has changed."""
    shown = st.session_state.get(SEEN_REMOVAL)
    st.session_state[SEEN_REMOVAL] = (id(removal), removal.state)
    if shown not in (None, st.session_state[SEEN_REMOVAL]):
        # Once a state: the table was drawn before it.
        st.rerun()
    if removal.error is not None:
        st.error(escape_error(removal.error, language))
    if removal.state not in ("waiting", "removing"):
        return
    summary = Message("Removed from the index: {count}", count=len(removal.urls))
    with st.container(horizontal=True, vertical_alignment="center"):
        names = ", ".join(display_place(url) for url in removal.urls[:SHOWN_URLS])
        st.caption(f"{escape_message(summary, language)} · {escape_markdown(names)}")
        if removal.state == "waiting":
            st.button(
                labels.UNDO.localize(language),
                key="undo-removal",
                on_click=service.jobs.undo_removal,
            )


def draw_documents(
    service: AssistantService, settings: Settings, lines: list[DocumentLine], language: Language
) -> None:
    """Draw the documents as a table, and what can be done with those that are chosen."""
    found = draw_document_filter(lines, language)
    if not found:
        st.info((labels.NONE_FOUND if lines else labels.LIBRARY_EMPTY).localize(language))
        return
    shown = found[:SHOWN_DOCUMENTS]
    rows = [
        {
            labels.TITLE.localize(language): shorten_title(line.title),
            labels.PLACE.localize(language): display_place(line.url),
            labels.COLLECTION.localize(language): ", ".join(
                labels.collection_label(name).localize(language) for name in line.collections
            ),
            labels.LANGUAGE.localize(language): line.language,
            labels.CHUNKS.localize(language): line.chunks,
            labels.READ_ON.localize(language): line.fetched_at.astimezone().date(),
        }
        for line in shown
    ]
    # A choice is by the row: of other rows it would be another choice.
    key = f"documents-{hash(tuple(line.url for line in shown))}"
    with st.container(key="documents"):  # by which the style makes this page wider
        table = st.dataframe(
            rows,
            hide_index=True,
            on_select="rerun",
            selection_mode="multi-row",
            key=key,
            column_config={
                name: st.column_config.Column(width=pixels)
                for name, pixels in zip(rows[0], COLUMN_PIXELS, strict=True)
            },
        )
    chosen = [shown[row] for row in table.selection.rows if row < len(shown)]
    if chosen:
        draw_chosen(service, settings, chosen, language)


def draw_document_filter(lines: list[DocumentLine], language: Language) -> list[DocumentLine]:
    """Draw the search field and the collections, and return the documents that they leave."""
    wanted = st.text_input(
        labels.SEARCH_LIBRARY.localize(language),
        placeholder=labels.SEARCH_LIBRARY.localize(language),
        label_visibility="collapsed",
        key="search-library",
    ).casefold()
    counts = Counter(name for line in lines for name in line.collections)
    chosen: str | None = None
    if len(counts) > 1:
        chosen = st.pills(
            labels.COLLECTIONS.localize(language),
            list(counts),
            format_func=lambda name: (
                f"{labels.collection_label(name).localize(language)} · {counts[name]}"
            ),
            key="library-collection",
            label_visibility="collapsed",
        )
    return [
        line
        for line in lines
        if wanted in f"{line.title} {display_place(line.url)}".casefold()
        and (chosen is None or chosen in line.collections)
    ]


def draw_chosen(
    service: AssistantService, settings: Settings, chosen: list[DocumentLine], language: Language
) -> None:
    """Draw what can be done with the chosen documents, and the text of a single one."""
    again, remove = st.columns(2)
    urls = [line.url for line in chosen]

    def read_again() -> None:
        """Begin to; called before the page is drawn, so that it draws the job from its start on."""
        service.jobs.start_ingest(*jobs_that_read_again(chosen), language=language)

    again.button(
        labels.READ_AGAIN.localize(language),
        key="read-again",
        width="stretch",
        on_click=once(read_again),
    )
    remove.button(
        labels.REMOVE.localize(language),
        key="remove",
        width="stretch",
        on_click=once(service.jobs.start_removal),
        args=(settings, urls),
    )
    if len(urls) == 1:
        details = _with_library(service, settings, lambda library: library.details(urls[0]))
        draw_details(details, language)


def draw_details(details: DocumentDetails, language: Language) -> None:
    """Draw the text of a document, what it was cut into, and what is known of both."""
    document = details.document
    facts = [
        Message(
            "{chunks} {chunks:?chunk|chunks}, {embedded} with vectors",
            chunks=len(details.chunks),
            embedded=sum(bool(state.vectors) for state in details.chunks),
        ),
        *([labels.changed_on(document.modified)] if document.modified else []),
    ]
    st.caption(" · ".join(escape_message(fact, language) for fact in facts))
    # As text: what a page says is not to be drawn as anything else.
    with st.expander(labels.TEXT.localize(language), expanded=True):
        st.text(document.text)
    with st.expander(labels.CHUNKS.localize(language)):
        for number, state in enumerate(details.chunks[:SHOWN_CHUNKS], start=1):
            why_not = [reason.localize(language) for reason in state.failures.values()]
            st.text(" · ".join(filter(None, (f"{number}", state.chunk.heading, *why_not))))
            st.text(state.chunk.text)


def draw_statistics(statistics: LibraryStatistics, language: Language) -> None:
    """Draw how large the index is, and how it grew."""
    st.subheader(labels.GROWTH.localize(language), anchor=False)
    stats = statistics.stats
    size = sum(statistics.file_bytes.values()) / 1_000_000
    total = Message(
        "{documents} {documents:?document|documents}, {chunks} {chunks:?chunk|chunks}, "
        "{embedded} with vectors, {size:.1f} MB",
        documents=stats.documents,
        chunks=stats.chunks,
        embedded=stats.embedded,
        size=size,
    )
    st.caption(escape_message(total, language))
    # A single month says no more than the line above.
    if len(statistics.growth) > 1:
        st.bar_chart(
            {month.month: month.documents for month in statistics.growth},
            x_label=labels.MONTH.localize(language),
            y_label=labels.DOCUMENTS.localize(language),
            height=GROWTH_PIXELS,
        )
