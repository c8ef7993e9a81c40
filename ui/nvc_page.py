"""Two phones side by side: a message that may hurt is held, a kind one passes in silence.

Nothing of it is kept.
"""

from dataclasses import dataclass, field

import streamlit as st

from assistant.nvc.advice import MessageAdvice
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import Language
from ui import labels
from ui.markup.safe_markdown import escape_markdown, escape_settings_error
from ui.service import AssistantService

PHONES = "nvc-phones"
"""What the two phones show, in the session's state."""
MAX_MESSAGE_CHARACTERS = 500
"""Characters."""
SHOWN_MESSAGES = 5
"""On a phone, the last ones: what is held stays in sight, also below each other."""


@dataclass(slots=True)
class PhonePair:
    """What was sent between two people, and what is held at each."""

    sent: list[tuple[int, str]] = field(default_factory=list)
    """Who sent it (0 or 1), and the text."""
    held: dict[int, MessageAdvice] = field(default_factory=dict)
    pending: dict[int, str] = field(default_factory=dict)
    """What each of them wants to send, until it has been looked at."""
    problem: QiuzhengError | None = None


def draw_nvc(service: AssistantService, language: Language) -> None:
    """Draw the page."""
    st.title(labels.NVC.localize(language), anchor=False)
    st.markdown(labels.NVC_INTRODUCTION.localize(language))
    phones: PhonePair = st.session_state.setdefault(PHONES, PhonePair())
    for owner, column in enumerate(st.columns(2, gap="medium", border=True)):
        with column:
            draw_phone(service, phones, owner, language)
    if phones.problem is not None:
        st.error(escape_settings_error(phones.problem, language))


def draw_phone(
    service: AssistantService, phones: PhonePair, owner: int, language: Language
) -> None:
    """Draw one phone: what was said, what is held, and the line."""
    name = labels.NVC_PHONES[owner].localize(language)
    st.markdown(f"**{escape_markdown(name)}**")
    with st.container(key=f"nvc-said-{owner}"):
        for sender, text in phones.sent[-SHOWN_MESSAGES:]:
            # Two people: the picture of an "assistant" is a robot.
            picture = ":material/face:" if sender == owner else ":material/face_2:"
            with st.chat_message("user" if sender == owner else "assistant", avatar=picture):
                st.text(text)
    held_message = phones.held.get(owner)
    if held_message is not None:
        draw_choices(phones, owner, held_message, language)
        return
    key = f"nvc-line-{owner}"
    if owner in phones.pending:
        # Here and not in `send`: a model takes seconds, and what it does is to be seen meanwhile.
        with st.spinner(labels.NVC_LOOKING.localize(language)):
            send_or_hold(service, phones, owner, key)
        st.rerun()

    def send() -> None:
        """Have the message looked at in the run that begins now."""
        if message := st.session_state[key].strip():
            phones.pending[owner] = message
            st.session_state[key] = ""

    st.text_input(labels.NVC_MESSAGE.localize(language), key=key, max_chars=MAX_MESSAGE_CHARACTERS)
    st.button(
        labels.NVC_SEND.localize(language), key=f"nvc-send-{owner}", on_click=send, width="stretch"
    )


def send_or_hold(service: AssistantService, phones: PhonePair, owner: int, key: str) -> None:
    """Send what is pending, or hold it; where neither can be, it is in the line of `key` again."""
    message = phones.pending.pop(owner)
    phones.problem = None
    try:
        advice = service.run(service.adviser.advise(message))
    except QiuzhengError as error:
        phones.problem = error
        st.session_state[key] = message
        return
    if advice is None:
        phones.sent.append((owner, message))
    else:
        phones.held[owner] = advice


def draw_choices(phones: PhonePair, owner: int, held: MessageAdvice, language: Language) -> None:
    """Draw a held message with its three ways on."""
    harms = labels.COMMA_LIST.localize(language).join(
        labels.HARM_NAMES[harm].localize(language) for harm in held.harms
    )
    with st.container(key=f"nvc-held-{owner}"):
        st.warning(
            labels.may_hurt(escape_markdown(harms)).localize(language),
            icon=":material/pause:",
        )
        st.text(held.message)
        key = f"nvc-rewrite-{owner}"
        st.text_area(labels.NVC_SUGGESTION.localize(language), value=held.rewrite, key=key)
        note = labels.NVC_BY_MODEL if held.by_model else labels.NVC_BY_RULE
        st.caption(note.localize(language))

        def settle(text: str) -> None:
            """End the holding; send `text`, if there is one."""
            if text.strip():
                phones.sent.append((owner, text.strip()))
            phones.held.pop(owner, None)

        st.button(
            labels.NVC_USE.localize(language),
            key=f"nvc-use-{owner}",
            type="primary",
            width="stretch",
            on_click=lambda: settle(st.session_state[key]),
        )
        st.button(
            labels.NVC_AS_IT_IS.localize(language),
            key=f"nvc-as-is-{owner}",
            width="stretch",
            on_click=settle,
            args=(held.message,),
        )
        st.button(
            labels.NVC_DISCARD.localize(language),
            key=f"nvc-discard-{owner}",
            width="stretch",
            on_click=settle,
            args=("",),
        )
