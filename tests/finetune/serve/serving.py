"""A real server on loopback, in a thread."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

PATIENCE_S = 20


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[httpx.Client]:
    """Run `app` under uvicorn; yield a client of it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        until(lambda: server.started)
        with httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE_S) as client:
            yield client
        server.should_exit = True
        thread.join(PATIENCE_S)


def until(true: Any) -> None:
    """Wait until `true()` is."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def events(text: str) -> list[dict[str, Any]]:
    """Return the events of a stream, [DONE] left out."""
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def said(found: list[dict[str, Any]], key: str = "content") -> str:
    """Return what the deltas of a stream say under `key`."""
    return "".join(choice["delta"].get(key, "") for event in found for choice in event["choices"])
