"""The chat page. `streamlit run ui/app.py`, or `assistant ui`."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import streamlit as st

from assistant.values import ChatMessage, Question
from ingest.foundation.messages import LANGUAGES, Language
from ingest.text.language import language_of_locale
from ui import labels
from ui.rendering import TurnView, apply_event
from ui.service import AssistantService
from ui.session import Conversation, PageTurn

# Comments, not docstrings, explain the names here: Streamlit's "magic" would draw a bare string of
# the script that it runs on the page.

# Seconds of silence after which the page draws the clock. Streamlit can end a script only from
# within a call to it, so this is also how soon the stop button works.
POLL_INTERVAL_S = 0.1
STYLE = Path(__file__).with_name("style.css")
# Streamlit fetches the icons that it knows by name from the web when they stand in a tab.
ICON = Path(__file__).with_name("icon.png")
# Streamlit follows a growing page only for those who are at its end already. A browser runs a
# script once: the comment makes each turn's a new one.
SCROLL_SCRIPT = """<script>
// turn {number}, {state}
setTimeout(() => {{
  const page = document.querySelector(".stMain");
  page?.scrollTo(0, page.scrollHeight);
}}, 100);
</script>"""

# Keys of the widgets.
QUESTION, WEB, LANGUAGE = "question", "web", "lang"


@st.cache_resource(show_spinner=False)
def shared_service() -> AssistantService:
    """Return the service for every tab of this server."""
    from assistant.bootstrap import open_assistant  # noqa: PLC0415  only where it is needed

    service = AssistantService(open_assistant)
    # atexit comes too late: closing the index needs worker threads, and those are gone by then.
    threading._register_atexit(service.close)  # type: ignore[attr-defined]
    return service


def main(get_service: Callable[[], AssistantService] = shared_service) -> None:
    """Draw the page, and answer the question that waits, if one does."""
    st.set_page_config(page_title="求证 · Qiuzheng", page_icon=ICON)
    st.html(STYLE)
    conversation = st.session_state.setdefault("conversation", Conversation())
    language = draw_sidebar(conversation)
    draw_question_input(conversation, language)
    if not conversation.turns:
        draw_welcome(conversation, language)
    views = [
        TurnView(turn, language, key=str(number)) for number, turn in enumerate(conversation.turns)
    ]
    scroll_to_end(conversation)
    waiting = conversation.waiting_turn
    if waiting is not None:
        answer_turn(waiting, views[-1], get_service(), history=conversation.history())
        # Once more, so that the input is enabled and the turn is drawn without placeholders.
        st.rerun()


def draw_sidebar(conversation: Conversation) -> Language:
    """Draw the name, "new chat" and the language switch; return the language."""
    browser_language = language_of_locale(st.context.locale or "")
    # The switch is drawn below in the language that it chooses: its value is read beforehand.
    language: Language = st.session_state.get(LANGUAGE) or browser_language
    with st.sidebar:
        st.title(labels.NAME.localize(language), anchor=False)
        st.button(
            labels.NEW.localize(language),
            key="new",
            icon=":material/edit_square:",
            shortcut="Alt+N",
            on_click=conversation.clear,
            disabled=not conversation.turns,
            width="stretch",
        )
        st.segmented_control(
            labels.LANGUAGE.localize(language),
            options=list(LANGUAGES),
            format_func=lambda code: labels.LANGUAGE_NAMES.get(code, code),
            default=browser_language,
            required=True,
            key=LANGUAGE,
            # A change of any widget ends the run of the page, and with it the answer.
            disabled=conversation.waiting_turn is not None,
            label_visibility="collapsed",
        )
    return language


def draw_welcome(conversation: Conversation, language: Language) -> None:
    """Draw the empty page: what this is, and questions to begin with."""
    with st.container(key="welcome"):
        st.title(labels.WELCOME.localize(language), anchor=False)
        st.markdown(labels.PROMISE.localize(language))
        for number, example in enumerate(labels.EXAMPLES):
            question = example.localize(language)
            st.button(
                question,
                key=f"example-{number}",
                type="tertiary",
                icon=":material/arrow_forward:",
                on_click=lambda question=question: conversation.add_question(
                    question, web=st.session_state.get(WEB, True)
                ),
            )


def scroll_to_end(conversation: Conversation) -> None:
    """Scroll to a question that was just asked, and to what went wrong with it."""
    if conversation.turns and conversation.turns[-1].state in {"waiting", "failed"}:
        number, state = len(conversation.turns), conversation.turns[-1].state
        script = SCROLL_SCRIPT.format(number=number, state=state)
        st.html(script, unsafe_allow_javascript=True)


def draw_question_input(conversation: Conversation, language: Language) -> None:
    """Draw the input with the web switch below, and the stop button beside it while answering."""
    is_answering = conversation.waiting_turn is not None
    idle = labels.ASK_MORE if conversation.turns else labels.ASK
    prompt = (labels.ANSWERING if is_answering else idle).localize(language)

    def submit() -> None:
        """Add the question; Streamlit calls it before the next run of the page."""
        question = st.session_state[QUESTION] or ""
        conversation.add_question(question, web=st.session_state[WEB])

    # In st.bottom by hand, so that the stop button stands beside the input. An input that is placed
    # by hand no longer makes the page follow its end: hence `scroll_to_end`.
    with st.bottom:
        with st.container(horizontal=True, vertical_alignment="bottom", key="ask"):
            st.chat_input(prompt, key=QUESTION, on_submit=submit, disabled=is_answering)
            if is_answering:
                # Without a callback: a click starts the next run, which ends this one.
                st.button(
                    labels.STOP.localize(language),
                    key="stop",
                    icon=":material/stop:",
                    shortcut="Esc",
                )
        st.toggle(
            labels.WEB.localize(language),
            value=True,
            key=WEB,
            help=labels.WEB_HELP.localize(language),
            on_change="ignore",  # a change counts from the next question on
        )


def answer_turn(
    turn: PageTurn, view: TurnView, service: AssistantService, *, history: tuple[ChatMessage, ...]
) -> None:
    """Answer `turn` and draw it as it grows."""
    started = time.monotonic()
    # Fast reruns start the next run before the `finally` of this one: the turn must not be
    # "waiting" in it, or it would be answered twice.
    turn.state = "running"
    try:
        question = Question(turn.question, web=turn.web)
        stream = service.ask(question, history, poll_interval_s=POLL_INTERVAL_S)
        # When it is stopped, Streamlit raises from within `draw`, and `closing` ends the stream.
        with closing(stream) as events:
            for event in events:
                turn.seconds = time.monotonic() - started
                if event is not None:
                    apply_event(turn, event)
                view.draw_if_due()
        turn.state = "done" if turn.failure is None else "failed"
    finally:
        turn.seconds = time.monotonic() - started
        if turn.state == "running":
            turn.state = "stopped"
    view.draw()


if __name__ == "__main__":
    main()
