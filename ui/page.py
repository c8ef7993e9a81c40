"""The chat page, drawn by Streamlit in each run of it."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from assistant.conversations.feedback import Feedback
from assistant.conversations.store import ConversationLine, new_conversation_id
from assistant.errors import ConversationError
from ingest.foundation.messages import LANGUAGES, Language
from ingest.text.language import language_of_locale
from ui import labels
from ui.components import list_revision, mount_conversation, mount_list, shown_lines
from ui.health_page import draw_health
from ui.jobs.polling import once
from ui.library_page import draw_library
from ui.markup.safe_markdown import escape_notice
from ui.model_state import draw_model_state
from ui.nvc_page import draw_nvc
from ui.question_line import (
    CONVERSATION_PARAMETER,
    LONGEST_QUESTION,
    ask,
    draw_question_line,
    forget_submission,
)
from ui.service import AssistantService
from ui.session import Conversation
from ui.settings_page import apply_theme, draw_settings
from ui.shared_service import shared_service

# Comments, not docstrings, explain the names here: Streamlit's "magic" would draw a bare string of
# the script that it runs on the page.

STYLE = Path(__file__).with_name("style.css")
# Streamlit fetches the icons that it knows by name from the web when they are in a tab.
ICON = Path(__file__).with_name("icon.png")

# What may be in the address: what `new_conversation_id` makes, and shorter names.
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

# Keys of the widgets and of what a tab remembers.
LANGUAGE, PRIVATE, SEARCH = "lang", "private", "search"
OPEN, DELETED, SHOW_CHAT = "open", "deleted", "show-chat"
# In the address of the page.
LANGUAGE_PARAMETER = "lang"


def main(get_service: Callable[[], AssistantService] = shared_service) -> None:
    """Draw the page; the answers are made elsewhere, and the conversation fetches them itself."""
    if apply_theme():
        # The browser was told of the one before when this run began.
        st.rerun()
    service = get_service()
    conversation = open_conversation(service)
    title = conversation.title
    st.set_page_config(page_title=f"{title} · 求证" if title else "求证 · Qiuzheng", page_icon=ICON)
    st.html(STYLE)
    language = chosen_language()

    def chat() -> None:
        draw_chat(service, conversation, language)

    def library() -> None:
        draw_library(service, language)

    def nvc() -> None:
        draw_nvc(service, language)

    def settings() -> None:
        draw_settings(service, language)

    def health() -> None:
        draw_health(service, language)

    pages = [
        st.Page(chat, title=labels.CHAT.localize(language), icon=":material/chat:", default=True),
        st.Page(library, title=labels.LIBRARY.localize(language), icon=":material/library_books:"),
        st.Page(nvc, title=labels.NVC.localize(language), icon=":material/favorite:"),
        st.Page(settings, title=labels.SETTINGS.localize(language), icon=":material/settings:"),
        st.Page(health, title=labels.HEALTH.localize(language), icon=":material/ecg_heart:"),
    ]
    page = st.navigation(pages, position="hidden")
    if st.session_state.pop(SHOW_CHAT, False) and page is not pages[0]:
        st.switch_page(pages[0])
    draw_sidebar(service, conversation, language, pages)
    page.run()


def draw_chat(service: AssistantService, conversation: Conversation, language: Language) -> None:
    """Draw the conversation and the line below it."""
    submitted = draw_question_line(service, conversation, language)
    if not conversation.turns:
        draw_welcome(service, conversation, language)
    mount_conversation(
        conversation,
        language,
        on_action=lambda action: act_on_turn(service, conversation, action),
    )
    forget_submission(submitted)


def open_conversation(service: AssistantService) -> Conversation:
    """Return the conversation that the address names, or the new one of this tab."""
    named = st.query_params.get(CONVERSATION_PARAMETER)
    if named is not None and not ID.fullmatch(named):
        del st.query_params[CONVERSATION_PARAMETER]
        named = None
    held: Conversation | None = st.session_state.get(OPEN)
    if held is not None and (named is None or named == held.id):
        if held.turns and not held.private:  # another page of ours does not show it
            st.query_params[CONVERSATION_PARAMETER] = held.id
        return held
    held = found_conversation(service, named)
    st.session_state[OPEN] = held
    return held


def found_conversation(service: AssistantService, id_: str | None) -> Conversation:
    """Return the conversation of this id; a new one where there is none, or it cannot be read."""
    try:
        is_deleted = id_ is not None and service.store and service.store.is_deleted(id_)
        if not is_deleted:
            return service.conversation(id_ or new_conversation_id())
        # A question asked in it would be kept nowhere.
        st.query_params.pop(CONVERSATION_PARAMETER, None)
    except ConversationError as error:
        service.store_problem = error.message
    return service.unkept_conversation(new_conversation_id())


def show_conversation(service: AssistantService, id_: str | None) -> None:
    """Open another conversation in this tab, whatever page it shows; None: a new one."""
    st.session_state[OPEN] = found_conversation(service, id_)
    st.session_state[SHOW_CHAT] = True
    if id_ is None:
        st.query_params.pop(CONVERSATION_PARAMETER, None)
    else:
        st.query_params[CONVERSATION_PARAMETER] = id_


def chosen_language() -> Language:
    """Return the language of the page: the switch's, the address's, or the browser's."""
    # The switch is drawn in the language that it chooses: its value is read beforehand.
    named = st.query_params.get(LANGUAGE_PARAMETER, "")
    chosen: Language | None = st.session_state.get(LANGUAGE)
    if chosen is not None:
        return chosen
    return named if named in LANGUAGES else language_of_locale(st.context.locale or "")


def act_on_turn(
    service: AssistantService, conversation: Conversation, action: dict[str, Any]
) -> None:
    """Do what a reader wants of a turn."""
    match action.get("kind"):
        case "stop":
            service.stop(conversation)
        case "ask" if isinstance(action.get("question"), str):
            ask(service, conversation, action["question"][:LONGEST_QUESTION])
        case "again" if isinstance(action.get("turn"), int):
            question, web = action.get("question"), action.get("web")
            service.ask_again(
                conversation,
                action["turn"],
                question=question[:LONGEST_QUESTION] if isinstance(question, str) else None,
                web=web if isinstance(web, bool) else None,
                fresh=action.get("fresh") is True,
            )
        case "feedback" if isinstance(action.get("turn"), int):
            reasons = action.get("reasons")
            feedback = Feedback.checked(
                action.get("rating"),
                reasons if isinstance(reasons, list) else [],
                action.get("correction"),
            )
            if feedback is not None:
                try:
                    service.give_feedback(conversation, action["turn"], feedback)
                except ConversationError as error:
                    st.toast(escape_notice(error.message, chosen_language()))
        case _:
            pass


def act_on_list(service: AssistantService, action: dict[str, Any]) -> None:
    """Do what a reader wants of a conversation in the list."""
    id_, store = action.get("id"), service.store
    if not isinstance(id_, str) or store is None:
        return
    try:
        match action.get("kind"):
            case "open":
                show_conversation(service, id_)
            case "rename" if isinstance(action.get("title"), str):
                store.rename(id_, action["title"])
                service.conversation(id_).title = store.title(id_) or ""
            case "delete":
                line = next((line for line in store.lines(limit=10_000) if line.id == id_), None)
                if line is None:
                    return  # a second press: what the first one deleted can still be brought back
                service.stop(service.conversation(id_))
                store.delete(id_)
                st.session_state[DELETED] = line
                open_conversation = st.session_state.get(OPEN)
                if open_conversation is not None and open_conversation.id == id_:
                    show_conversation(service, None)
            case "restore":
                store.restore(id_)
                st.session_state.pop(DELETED, None)
                show_conversation(service, id_)
            case _:
                pass
    except ConversationError as error:
        st.toast(escape_notice(error.message, chosen_language()))


def draw_sidebar(
    service: AssistantService,
    conversation: Conversation,
    language: Language,
    pages: Sequence[Any],
) -> None:
    """Draw the name, "new chat", the conversations, and the switches."""
    with st.sidebar:
        st.title(labels.NAME.localize(language), anchor=False)
        st.button(
            labels.NEW.localize(language),
            key="new",
            icon=":material/edit_square:",
            shortcut="Alt+N",
            on_click=lambda: show_conversation(service, None),
            disabled=not conversation.turns,
            width="stretch",
        )
        draw_private_switch(conversation, language)
        # Before the conversations: below forty of them the pages would not be found.
        for page in pages:
            st.page_link(page)
        draw_list(service, conversation, language)

        def keep_language() -> None:
            """Put the language into the address: a reload keeps it."""
            st.query_params[LANGUAGE_PARAMETER] = st.session_state[LANGUAGE]

        st.segmented_control(
            labels.LANGUAGE.localize(language),
            options=list(LANGUAGES),
            format_func=lambda code: labels.LANGUAGE_NAMES.get(code, code),
            default=language,
            required=True,
            key=LANGUAGE,
            on_change=keep_language,
            label_visibility="collapsed",
        )


def draw_private_switch(conversation: Conversation, language: Language) -> None:
    """Draw the switch that keeps nothing of the conversation that is about to begin."""
    # Of this conversation alone: the next one begins as it is, and not as this switch was.
    key = f"{PRIVATE}-{conversation.id}"

    def keep_private() -> None:
        """Keep the conversation that is about to begin, or nothing of it."""
        conversation.private = st.session_state[key]

    st.toggle(
        labels.PRIVATE.localize(language),
        value=conversation.private,
        key=key,
        help=labels.PRIVATE_HELP.localize(language),
        on_change=keep_private,
        disabled=bool(conversation.turns),
    )


def draw_list(service: AssistantService, conversation: Conversation, language: Language) -> None:
    """Draw the search in conversations, and those it finds."""
    lines: list[ConversationLine] = []
    all_lines: list[ConversationLine] = []
    wanted = st.session_state.get(SEARCH, "")
    try:
        all_lines = shown_lines(service)
        lines = shown_lines(service, search=wanted) if wanted else all_lines
    except ConversationError as error:
        service.store_problem = error.message
    if service.store_problem is not None:
        st.caption(escape_notice(service.store_problem, language))
    if lines or wanted:
        st.text_input(
            labels.SEARCH_CONVERSATIONS.localize(language),
            key=SEARCH,
            placeholder=labels.SEARCH_CONVERSATIONS.localize(language),
            label_visibility="collapsed",
        )
    mount_list(
        lines,
        conversation.id,
        language,
        revision=list_revision(all_lines),
        deleted=st.session_state.get(DELETED),
        on_action=lambda action: act_on_list(service, action),
    )


def draw_welcome(service: AssistantService, conversation: Conversation, language: Language) -> None:
    """Draw the empty page: what this is, and questions to begin with."""
    with st.container(key="welcome"):
        st.title(labels.WELCOME.localize(language), anchor=False)
        st.markdown(labels.PROMISE.localize(language))
        draw_model_state(service, language)
        for number, example in enumerate(labels.EXAMPLES):
            question = example.localize(language)
            st.button(
                question,
                key=f"example-{number}",
                type="tertiary",
                icon=":material/arrow_forward:",
                on_click=once(ask),
                args=(service, conversation, question),
            )


if __name__ == "__main__":
    main()
