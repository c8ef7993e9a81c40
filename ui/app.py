"""The chat page. `streamlit run ui/app.py`, or `assistant ui`."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import streamlit as st

from assistant.values import ChatMessage, Question
from ingest.foundation.messages import Language
from ui import labels
from ui.rendering import TurnView, apply_event
from ui.service import AssistantService
from ui.session import Conversation, PageTurn

# Comments, not docstrings, explain the names here: Streamlit's "magic" would draw a bare string of
# the script that it runs on the page.

# Seconds of silence after which the page draws the clock: Streamlit can stop it only then.
PULSE_S = 0.1
STYLE = Path(__file__).with_name("style.css")
# Streamlit fetches the icons that it knows by name from the web when they stand in a tab.
ICON = Path(__file__).with_name("icon.png")
# Streamlit follows a growing page only for those who are at its end already. A browser runs a
# script once: the comment makes each turn's a new one.
SHOW_THE_END = """<script>
// turn {number}, {state}
setTimeout(() => {{
  const page = document.querySelector(".stMain");
  page?.scrollTo(0, page.scrollHeight);
}}, 100);
</script>"""

# Keys of the widgets.
QUESTION, WEB, LANGUAGE = "question", "web", "lang"


@st.cache_resource(show_spinner=False)
def answerer() -> AssistantService:
    """Return the one that answers for every tab of this server."""
    from assistant.bootstrap import open_assistant  # noqa: PLC0415  only where it is needed

    asking = AssistantService(open_assistant)
    # atexit comes too late: closing the index needs worker threads, and those are gone by then
    threading._register_atexit(asking.close)  # type: ignore[attr-defined]
    return asking


def main(answerer: Callable[[], AssistantService] = answerer) -> None:
    """Draw the page, and answer the question that waits, if one does."""
    st.set_page_config(page_title="求证 · Qiuzheng", page_icon=ICON)
    st.html(STYLE)
    talk = st.session_state.setdefault("conversation", Conversation())
    language = sidebar(talk)
    question_line(talk, language)
    if not talk.turns:
        welcome(talk, language)
    views = [TurnView(turn, language, key=str(n)) for n, turn in enumerate(talk.turns)]
    show_the_end(talk)
    waiting = talk.waiting
    if waiting is not None:
        reply(waiting, views[-1], answerer(), history=talk.history())
        st.rerun()


def sidebar(talk: Conversation) -> Language:
    """Draw the name, "new conversation" and the language switch; return the language."""
    spoken: Language = "zh" if (st.context.locale or "").lower().startswith("zh") else "en"
    language: Language = st.session_state.get(LANGUAGE) or spoken
    with st.sidebar:
        st.title(labels.NAME.localize(language), anchor=False)
        st.button(
            labels.NEW.localize(language),
            key="new",
            icon=":material/edit_square:",
            shortcut="Alt+N",
            on_click=talk.forget,
            disabled=not talk.turns,
            width="stretch",
        )
        st.segmented_control(
            labels.LANGUAGE.localize(language),
            options=list(labels.LANGUAGES),
            format_func=lambda code: labels.LANGUAGES[code],
            default=spoken,
            required=True,
            key=LANGUAGE,
            disabled=talk.waiting is not None,
            label_visibility="collapsed",
        )
    return language


def welcome(talk: Conversation, language: Language) -> None:
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
                on_click=lambda question=question: talk.begin(
                    question, web=st.session_state.get(WEB, True)
                ),
            )


def show_the_end(talk: Conversation) -> None:
    """Scroll to a question that was just asked, and to what went wrong with it."""
    if talk.turns and talk.turns[-1].state in {"waiting", "failed"}:
        script = SHOW_THE_END.format(number=len(talk.turns), state=talk.turns[-1].state)
        st.html(script, unsafe_allow_javascript=True)


def question_line(talk: Conversation, language: Language) -> None:
    """Draw the line to type in with the web switch below, or with the stop button beside it."""
    busy = talk.waiting is not None
    idle = labels.ASK_MORE if talk.turns else labels.ASK
    prompt = labels.BUSY if busy else idle

    def submit() -> None:
        talk.begin(st.session_state[QUESTION] or "", web=st.session_state[WEB])

    with st.bottom:
        with st.container(horizontal=True, vertical_alignment="bottom", key="ask"):
            st.chat_input(prompt.localize(language), key=QUESTION, on_submit=submit, disabled=busy)
            if busy:
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


def reply(
    turn: PageTurn, view: TurnView, asking: AssistantService, *, history: tuple[ChatMessage, ...]
) -> None:
    """Answer `turn` and draw it as it grows. Streamlit leaves from within when it is stopped."""
    started = time.monotonic()
    turn.state = "running"
    try:
        question = Question(turn.question, web=turn.web)
        asked = asking.ask(question, history, poll_interval_s=PULSE_S)
        with closing(asked) as events:
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
