"""Parts of the page that look at a job again and again, while the rest of it stays."""

from collections.abc import Callable
from typing import ParamSpec

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

P = ParamSpec("P")


def draw_polled(draw: Callable[..., None], *arguments: object, every_s: float | None) -> None:
    """Draw a part now and again each `every_s` seconds; None: only now.

    Args:
        draw: Draws it.
        arguments: What it is called with.
        every_s: Seconds between two looks.
    """
    # Streamlit gives the part a container of its own and, where it is drawn again while the page is
    # still on its way to the browser, takes it out of the queue and puts it behind what follows it.
    # The browser would find a gap there ("Bad delta path index") and draw no more. In a container
    # of the page's own, which stays in its place, the part is alone.
    with st.container():
        st.fragment(draw, run_every=every_s)(*arguments)


def once(act: Callable[P, None]) -> Callable[P, None]:
    """Return what a widget of the page calls when it is pressed, so that a press acts once.

    The browser sends a press with the next timer. A polled part that is due before it sends the
    same press along, and Streamlit calls the widget's callback for both. The press that comes with
    a part is left: that of the whole page follows it. Not for widgets inside of a polled part.
    """

    def act_once(*arguments: P.args, **named: P.kwargs) -> None:
        run = get_script_run_ctx()
        if run is None or not run.fragment_ids_this_run:
            act(*arguments, **named)

    return act_once
