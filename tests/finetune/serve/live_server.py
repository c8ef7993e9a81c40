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

TIMEOUT_S = 60


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[httpx.Client]:
    """Run `app` under uvicorn; yield a client of it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        wait_until(lambda: server.started)
        with httpx.Client(base_url=url, trust_env=False, timeout=TIMEOUT_S) as client:
            yield client
        server.should_exit = True
        thread.join(TIMEOUT_S)


def wait_until(condition: Any) -> None:
    """Wait until `condition()` is true."""
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def parse_events(text: str) -> list[dict[str, Any]]:
    """Return the events of a stream without [DONE]."""
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def join_deltas(events: list[dict[str, Any]], key: str = "content") -> str:
    """Return the texts under `key` in the deltas of a stream, joined."""
    return "".join(choice["delta"].get(key, "") for event in events for choice in event["choices"])
