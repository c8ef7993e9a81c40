"""What the page asks the server for besides Streamlit: conversations, as they are and as they grow.

One stream of JSON lines a conversation. First, each turn that the asker does not have, whole; then,
while an answer is being given, the fields of it that change; it ends when nothing more will come.
"""

import asyncio
import ipaddress
import json
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from streamlit import config

from assistant.cli.explain import explanation_lines, load_snapshot
from assistant.conversations.export import export_json, export_markdown
from assistant.errors import ConversationError, SnapshotNotFoundError
from assistant.settings import load_settings
from ingest.foundation.errors import QiuzhengError
from ingest.foundation.messages import LANGUAGES, Language, Message
from ui.components import list_revision, shown_lines
from ui.service import AssistantService
from ui.session import Conversation, PageTurn
from ui.shared_service import shared_service
from ui.turn_fields import Fields, turn_fields

CONVERSATION_PATH = "/conversations/{id}"

FRAME_S = 0.08
"""Seconds between two looks at a growing answer: smooth to the eye, light on the browser."""

IDLE_LINE_S = 5.0
"""Seconds of silence after which an empty line is sent: whoever has gone is noticed."""


def is_own_host(host: str, *, configured: Sequence[str] = ()) -> bool:
    """Whether a request's Host header names this server by its address, or by a configured name.

    A page of the web whose name was made to lead here (DNS rebinding) comes with that name.
    """
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    name = name.strip("[]").lower().rstrip(".")
    if name == "localhost" or name in {known.lower() for known in configured if known}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def conversation_routes(
    get_service: Callable[[], AssistantService] = shared_service,
) -> list[Route]:
    """Return the routes that `streamlit.starlette.App` serves beside its own."""

    async def opened(request: Request) -> Conversation | Response:
        return await _open_conversation(request, get_service)

    async def read_conversation(request: Request) -> Response:
        """Stream one conversation."""
        found = await opened(request)
        if isinstance(found, Response):
            return found
        have = frozenset(request.query_params.get("have", "").split(","))
        return StreamingResponse(
            stream_conversation(found, _language_of(request), have=have),
            media_type="application/x-ndjson",
            headers={"Cache-Control": "no-store"},
        )

    async def export_conversation(request: Request) -> Response:
        """Return one conversation as a file."""
        found = await opened(request)
        if isinstance(found, Response):
            return found
        with found.lock:
            title, turns = found.title, [turn.to_keep() for turn in found.turns]
        if request.query_params.get("format") == "json":
            body, media, suffix = export_json(title, turns), "application/json", "json"
        else:
            body = export_markdown(title, turns, _language_of(request))
            media, suffix = "text/markdown; charset=utf-8", "md"
        name = quote(re.sub(r"[^\w-]+", "_", title).strip("_") or found.id)
        disposition = f"attachment; filename*=UTF-8''{name}.{suffix}"
        return Response(body, media_type=media, headers={"Content-Disposition": disposition})

    return [
        list_route(get_service),
        Route(CONVERSATION_PATH, read_conversation, methods=["GET"]),
        Route(f"{CONVERSATION_PATH}/export", export_conversation, methods=["GET"]),
        explanation_route(get_service),
    ]


def list_route(get_service: Callable[[], AssistantService]) -> Route:
    """Return the route by which a tab sees that another one has changed the list.

    `{"revision": "…"}`; "" where the conversations cannot be read.
    """

    async def read_revision(request: Request) -> Response:
        if (refused := _refuse_foreign_host(request)) is not None:
            return refused
        try:
            revision = list_revision(await asyncio.to_thread(shown_lines, get_service()))
        except ConversationError:
            revision = ""
        return JSONResponse({"revision": revision}, headers={"Cache-Control": "no-store"})

    return Route("/conversations", read_revision, methods=["GET"])


def explanation_route(get_service: Callable[[], AssistantService]) -> Route:
    """Return the route that says how an answer came about: `{"lines": […]}`, each plain text."""

    async def explain_turn(request: Request) -> Response:
        found = await _open_conversation(request, get_service)
        if isinstance(found, Response):
            return found
        number = int(request.path_params["number"])
        with found.lock:
            turns = found.turns[number : number + 1]
            answer = turns[0].answer if turns else None
        language = _language_of(request)
        try:
            lines = await asyncio.to_thread(_explain, answer.id if answer else "", language)
        except QiuzhengError as error:
            lines = [error.message.localize(language)]
        return JSONResponse({"lines": lines})

    path = f"{CONVERSATION_PATH}/turns/{{number:int}}/explanation"
    return Route(path, explain_turn, methods=["GET"])


def _refuse_foreign_host(request: Request) -> Response | None:
    """Return the refusal of a request that names another server, None for one that names us."""
    options = ("browser.serverAddress", "server.address", "server.allowedHosts")
    given = [config.get_option(option) for option in options]
    names = [n for one in given for n in ([one] if isinstance(one, str) else one or [])]
    if is_own_host(request.headers.get("host", ""), configured=[n for n in names if n]):
        return None
    return PlainTextResponse("unknown host", status_code=403)


async def _open_conversation(
    request: Request, get_service: Callable[[], AssistantService]
) -> Conversation | Response:
    """Return the conversation that a request names, or why it gets none."""
    if (refused := _refuse_foreign_host(request)) is not None:
        return refused
    try:
        return await asyncio.to_thread(get_service().conversation, request.path_params["id"])
    except ConversationError as error:
        text = error.message.localize(_language_of(request))
        return PlainTextResponse(text, status_code=500)


def _explain(answer_id: str, language: Language) -> list[str]:
    """Return what `assistant explain` says of a kept answer.

    Raises:
        QiuzhengError: it is not kept, or cannot be read.
    """
    if not answer_id:
        raise SnapshotNotFoundError(Message("nothing is kept of how this answer came about"))
    return list(explanation_lines(load_snapshot(load_settings(), answer_id), language))


def _language_of(request: Request) -> Language:
    named = request.query_params.get("lang", "")
    return named if named in LANGUAGES else "en"


def turn_key(turn: PageTurn) -> str:
    """Return what tells this turn from one that was in its place before."""
    return f"{turn.number}-{int(turn.asked_at.timestamp() * 1000)}"


async def stream_conversation(
    conversation: Conversation, language: Language, *, have: frozenset[str] = frozenset()
) -> AsyncGenerator[str, None]:
    """Yield JSON lines: `{"order": [key, …], "live": bool}`, and one for each turn that changed.

    That is `{"turn": key, "revision": n, "seconds": s, "set": {…}}`; in "set", null takes a field
    away. A turn that is not in "order" any more is gone.

    Args:
        conversation: What is shown.
        language: Of all labels and messages.
        have: `key.revision` of the finished turns that the asker has in this language.
    """
    sent: dict[str, Fields] = {}
    revisions: dict[str, tuple[int, str]] = {}
    order: list[str] | None = None
    silent_s = 0.0
    while True:
        with conversation.lock:
            keys = [turn_key(turn) for turn in conversation.turns]
            is_live = conversation.live_turn is not None
            news: list[dict[str, Any]] = []
            for key, turn in zip(keys, conversation.turns, strict=True):
                state = (turn.revision, turn.state)
                if f"{key}.{turn.revision}" in have or revisions.get(key) == state:
                    continue
                fields = turn_fields(turn, language)
                before = sent.get(key, {})
                changed = {
                    name: value for name, value in fields.items() if before.get(name) != value
                }
                changed |= {name: None for name in before if name not in fields}
                # The page runs its clock from here: a line each 0.1 s would be most of all.
                seconds = round(turn.seconds, 1)
                news.append(
                    {"turn": key, "revision": turn.revision, "seconds": seconds, "set": changed}
                )
                revisions[key], sent[key] = state, fields
        if keys != order or not is_live:
            order = keys
            news.insert(0, {"order": keys, "live": is_live})
        for line in news:
            yield json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
        if not is_live:
            return
        silent_s = 0.0 if news else silent_s + FRAME_S
        if silent_s >= IDLE_LINE_S:
            silent_s = 0.0
            yield "\n"
        await asyncio.sleep(FRAME_S)
