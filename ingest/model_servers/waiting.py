"""Asking a busy server again, for a reply whose reader sees why it waits."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from ingest.model_servers.base import ChatPiece, ModelServerError

LOADING_WAITS_S = (1.0, 2.0, 4.0, 8.0)
"""Between tries while the server loads a model; the last one again and again."""

_LOADING = re.compile(r"\bload", re.IGNORECASE)  # not "overloaded"


async def chat_when_ready(
    attempt: Callable[[], AsyncGenerator[ChatPiece, None]],
    *,
    busy_waits_s: Sequence[float],
    timeout_s: float,
) -> AsyncGenerator[ChatPiece, None]:
    """Yield the pieces of a reply, after a piece with `waits_for` for each time it had to wait.

    A full queue is tried again `len(busy_waits_s)` times. A model that is being loaded is waited
    for as long as a silence may last, `timeout_s`: llama.cpp's router and llama-swap answer 503
    for the minutes that a large model takes from a slow disk.

    Raises:
        ModelServerError: the last attempt's, "busy" when the time is over.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + timeout_s
    tries = 0
    while True:
        begun = has_text = False
        try:
            async with aclosing(attempt()) as pieces:
                async for piece in pieces:
                    begun = True
                    has_text = has_text or bool(piece.content or piece.thinking)
                    yield piece
            return
        except ModelServerError as error:
            error.has_begun = has_text
            wait_s = wait_before_retry(error, tries, busy_waits_s)
            if begun or wait_s is None or loop.time() + wait_s > until:
                raise
            waits_for = error.detail or "busy"
        yield ChatPiece(waits_for=waits_for)
        tries += 1
        await asyncio.sleep(wait_s)


def wait_before_retry(
    error: ModelServerError, tries: int, busy_waits_s: Sequence[float]
) -> float | None:
    """Return the seconds before the next try, None if there should be none."""
    if error.kind != "busy":
        return None
    is_loading = bool(_LOADING.search(error.detail))
    if not is_loading and error.retry_after_s is None and tries >= len(busy_waits_s):
        return None
    # "Retry-After: 0" again and again must not become a loop without a pause.
    if error.retry_after_s is not None or tries < len(busy_waits_s):
        least_s = busy_waits_s[min(tries, len(busy_waits_s) - 1)] if busy_waits_s else 0.0
        return max(least_s, error.retry_after_s or 0.0)
    return LOADING_WAITS_S[min(tries, len(LOADING_WAITS_S) - 1)]
