"""The line where questions are typed, what is below it, and what becomes of a question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from ingest.foundation.messages import Language, Message
from ui import labels
from ui.jobs.polling import once
from ui.service import AssistantService
from ui.session import LIVE_STATES, Conversation
from ui.uploads import FileNotReadError, keep_uploads

LONGEST_QUESTION = 4_000
"""Characters of a question; `assistant.answer` refuses longer ones."""
QUESTION, WEB, COLLECTIONS = "question", "web", "collections"
"""Keys of the widgets; that of the collections goes with the conversation's id."""
SUBMITTED = "submitted"
"""Where the session's state has what was asked and is not drawn yet, a `Submission`."""
CONVERSATION_PARAMETER = "c"
"""In the address of the page."""


@dataclass(slots=True)
class Submission:
    """What was asked and is not drawn yet, in the session's state.

    Changed in place: each write to that state may end a run of the page in favour of the next one,
    and a question would be marked as asked that never was.
    """

    latest: tuple[str, str] | None = None
    """The conversation's id and the question as it was typed."""


def ask(
    service: AssistantService,
    conversation: Conversation,
    question: str,
    *,
    uploads: Sequence[Any] = (),
    language: Language = "en",
) -> None:
    """Ask a question, and put the conversation into the address of the page.

    What comes again before a run of the page has drawn it was sent twice, and is asked once.

    Args:
        service: Answers it.
        conversation: Where it is asked.
        question: As it was typed; blank: what is in the files.
        uploads: Files that it came with.
        language: Of what is said of the files.
    """
    key = f"{COLLECTIONS}-{conversation.id}"
    collections = tuple(_chosen_collections(conversation, key))
    web = st.session_state.get(WEB, True)
    submission: Submission = st.session_state.setdefault(SUBMITTED, Submission())
    # From here on it is asked, also where the next run of the page has begun meanwhile: only what
    # reads or writes the session's state ends this one.
    if submission.latest == (conversation.id, question):
        return
    submission.latest = (conversation.id, question)
    files = None
    if uploads:
        # A file that comes again while its removal waits is not to be removed with it.
        service.run(service.jobs.finish_removal())
        try:
            files = keep_uploads(uploads, language)
        except FileNotReadError as error:
            service.refuse(conversation, question or labels.ABOUT_FILE.localize(language), error)
            return
        # Of a file that was just dropped the web knows nothing.
        web, collections = False, files.collections
        if not question.strip():
            names = ", ".join(path.name for path in files.paths)
            question = Message("What is in {names}?", names=names).localize(language)
    turn = service.ask(conversation, question, web=web, collections=collections, files=files)
    if files is not None:
        # Shown below the line: the next questions are about them, too, until they are taken away.
        st.session_state[key] = list(collections)
    if turn is not None and not conversation.private:
        st.query_params[CONVERSATION_PARAMETER] = conversation.id


def _chosen_collections(conversation: Conversation, key: str) -> list[str]:
    """Return the collections that are chosen, but none of a file that could not be read."""
    if key not in st.session_state and conversation.turns:
        # As the last question was asked: a reload keeps what the conversation is about, and where
        # the browser has not drawn the choice yet, Streamlit takes it out of the state.
        st.session_state[key] = list(conversation.turns[-1].collections)
    unread: set[str] = set()
    for turn in conversation.turns:
        if turn.files is not None and turn.state not in LIVE_STATES:
            failed = turn.failure is not None and turn.failure.code == FileNotReadError.code
            names = set(turn.files.collections)
            unread = unread | names if failed else unread - names
    chosen: list[str] = st.session_state.get(key, [])
    if unread & set(chosen):
        chosen = st.session_state[key] = [name for name in chosen if name not in unread]
    return chosen


def draw_question_line(
    service: AssistantService, conversation: Conversation, language: Language
) -> tuple[str, str] | None:
    """Draw the input with the web switch below; return what was asked and is drawn by this run."""
    prompt = (labels.ASK_MORE if conversation.turns else labels.ASK).localize(language)

    def submit() -> None:
        """Ask the question; Streamlit calls it before the next run of the page."""
        typed = st.session_state[QUESTION]
        if typed is not None:
            ask(service, conversation, typed.text, uploads=typed.files, language=language)

    with st.bottom:
        # Enabled while an answer is given: the next question waits its turn, and the cursor stays.
        typed = st.chat_input(
            prompt,
            key=QUESTION,
            on_submit=once(submit),
            max_chars=LONGEST_QUESTION,
            accept_file="multiple",
        )
        # In the first run after the program was started again, Streamlit knows of no `on_submit`,
        # and the question of a page that was open before would be lost; in others `ask` knows it.
        if typed is not None:
            ask(service, conversation, typed.text, uploads=typed.files, language=language)
        submission: Submission = st.session_state.setdefault(SUBMITTED, Submission())
        submitted = submission.latest
        st.toggle(
            labels.WEB.localize(language),
            value=True,
            key=WEB,
            help=labels.WEB_HELP.localize(language),
            on_change="ignore",  # a change counts from the next question on
        )
        draw_collections(service, conversation, language)
    return submitted


def forget_submission(submitted: tuple[str, str] | None) -> None:
    """Let a question be asked again once it is drawn; not one that came while it was."""
    submission: Submission = st.session_state[SUBMITTED]
    if submission.latest is submitted:
        submission.latest = None


def draw_collections(
    service: AssistantService, conversation: Conversation, language: Language
) -> None:
    """Draw which collections the answers of this conversation come from, where there are some."""
    service.jobs.look_for_collections()
    key = f"{COLLECTIONS}-{conversation.id}"
    chosen = _chosen_collections(conversation, key)
    options = sorted({*service.jobs.collections, *chosen})
    # Also once all are taken away: what is not drawn, Streamlit forgets, and they would come back.
    was_narrowed = any(turn.collections for turn in conversation.turns[-1:])
    if chosen or was_narrowed or len(options) > 1:
        st.multiselect(
            labels.COLLECTIONS.localize(language),
            options,
            key=key,
            format_func=lambda name: labels.collection_label(name).localize(language),
            placeholder=labels.ALL_COLLECTIONS.localize(language),
            label_visibility="collapsed",
        )
