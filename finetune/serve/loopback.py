"""A model of the run behind OpenAI's API on this machine alone, for as long as a block lasts."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import uvicorn

from finetune.serve.app import Defaults, build_app
from finetune.serve.engine import Engine

START_TIMEOUT_S = 30.0
"""Seconds for uvicorn to listen on a socket that is open already."""

STOP_TIMEOUT_S = 30.0
POLL_S = 0.01


@contextlib.contextmanager
def serve_on_loopback(engine: Engine, *, reply_timeout_s: float) -> Iterator[str]:
    """Serve the engine on a free port of 127.0.0.1; yield the URL that ends in /v1.

    Greedy unless a request says otherwise. A reply may take `reply_timeout_s` seconds.
    """
    # Of the thread below: set where uvicorn could not start, so that no caller waits for it.
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = build_app(engine, defaults=Defaults(temperature=0.0), timeout_s=reply_timeout_s)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))

        def run() -> None:
            """Serve until `should_exit`."""
            try:
                server.run([listener])
            finally:
                ended.set()

        # A daemon: an error in the block must end the process, whatever a reply is doing.
        thread = threading.Thread(target=run, name="loopback-server", daemon=True)
        thread.start()
        waited = 0.0
        while not server.started and not ended.wait(POLL_S):
            waited += POLL_S
            if waited > START_TIMEOUT_S:
                break
        if not server.started:
            raise RuntimeError("the server on loopback did not start")
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        finally:
            server.should_exit = True
            thread.join(STOP_TIMEOUT_S)
