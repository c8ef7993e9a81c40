"""The line where questions are typed, what is below it, and what becomes of a question."""

from typing import Any

import streamlit as st

from ingest.foundation.messages import Language, Message
from ui import labels
from ui.service import AssistantService
from ui.session import LIVE_STATES, Conversation
from ui.uploads import FileNotReadError, FilesToRead, keep_uploads

LONGEST_QUESTION = 4_000
"""Characters of a question; `assistant.answer` refuses longer ones."""
QUESTION, WEB, COLLECTIONS = "question", "web", "collections"
"""Keys of the widgets; that of the collections goes with the conversation's id."""
SUBMITTED = "asked"
"""Whether `on_submit` has asked what was typed, in the session's state."""
CONVERSATION_PARAMETER = "c"
"""In the address of the page."""


def ask(
    service: AssistantService,
    conversation: Conversation,
    question: str,
    *,
    files: FilesToRead | None = None,
) -> None:
    """Ask a question, and put the conversation into the address of the page."""
    key = f"{COLLECTIONS}-{conversation.id}"
    _drop_unread(conversation, key)
    if files is not None:
        # Shown below the line: the next questions are about them, too, until they are taken away.
        st.session_state[key] = list(files.collections)
    turn = service.ask(
        conversation,
        question,
        # Of a file that was just dropped the web knows nothing.
        web=st.session_state.get(WEB, True) and files is None,
        collections=tuple(st.session_state.get(key, ())),
        files=files,
    )
    if turn is not None and not conversation.private:
        st.query_params[CONVERSATION_PARAMETER] = conversation.id


def _drop_unread(conversation: Conversation, key: str) -> None:
    """Choose no collection of a file that could not be read: there is none of its name."""
    unread: set[str] = set()
    for turn in conversation.turns:
        if turn.files is not None and turn.state not in LIVE_STATES:
            failed = turn.failure is not None and turn.failure.code == FileNotReadError.code
            names = set(turn.files.collections)
            unread = unread | names if failed else unread - names
    chosen = st.session_state.get(key, [])
    if unread & set(chosen):
        st.session_state[key] = [name for name in chosen if name not in unread]


def submit_question(
    service: AssistantService, conversation: Conversation, typed: Any, language: Language
) -> None:
    """Ask what was typed; of files that came with it, say what cannot be kept."""
    if typed.files:
        # A file that comes again while its removal waits is not to be removed with it.
        service.run(service.jobs.finish_removal())
    try:
        files = keep_uploads(typed.files, language) if typed.files else None
    except FileNotReadError as error:
        service.refuse(conversation, typed.text or labels.ABOUT_FILE.localize(language), error)
        return
    question = typed.text
    if files is not None and not question.strip():
        names = ", ".join(path.name for path in files.paths)
        question = Message("What is in {names}?", names=names).localize(language)
    ask(service, conversation, question, files=files)


def draw_question_line(
    service: AssistantService, conversation: Conversation, language: Language
) -> None:
    """Draw the input with the web switch below."""
    prompt = (labels.ASK_MORE if conversation.turns else labels.ASK).localize(language)

    def submit() -> None:
        """Ask the question; Streamlit calls it before the next run of the page."""
        typed = st.session_state[QUESTION]
        if typed is not None:
            st.session_state[SUBMITTED] = True
            submit_question(service, conversation, typed, language)

    with st.bottom:
        # Enabled while an answer is given: the next question waits its turn, and the cursor stays.
        typed = st.chat_input(
            prompt,
            key=QUESTION,
            on_submit=submit,
            max_chars=LONGEST_QUESTION,
            accept_file="multiple",
        )
        # In the first run after the program was started again, Streamlit knows of no `on_submit`,
        # and the question of a page that was open before would be lost.
        if not st.session_state.pop(SUBMITTED, False) and typed is not None:
            submit_question(service, conversation, typed, language)
        st.toggle(
            labels.WEB.localize(language),
            value=True,
            key=WEB,
            help=labels.WEB_HELP.localize(language),
            on_change="ignore",  # a change counts from the next question on
        )
        draw_collections(service, conversation, language)


def draw_collections(
    service: AssistantService, conversation: Conversation, language: Language
) -> None:
    """Draw which collections the answers of this conversation come from, where there are some."""
    service.jobs.look_for_collections()
    key = f"{COLLECTIONS}-{conversation.id}"
    if key not in st.session_state and conversation.turns:
        # As the last question was asked: a reload keeps what the conversation is about.
        st.session_state[key] = list(conversation.turns[-1].collections)
    _drop_unread(conversation, key)
    chosen = st.session_state.get(key, [])
    options = sorted({*service.jobs.collections, *chosen})
    if chosen or len(options) > 1:
        st.multiselect(
            labels.COLLECTIONS.localize(language),
            options,
            key=key,
            format_func=lambda name: labels.collection_label(name).localize(language),
            placeholder=labels.ALL_COLLECTIONS.localize(language),
            label_visibility="collapsed",
        )
