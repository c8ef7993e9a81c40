"""How often Ollama would have loaded a model for given requests."""

from collections.abc import Iterable

from tests.engines.replies import Request

RUNNER_OPTIONS = ("num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread")
"""Options that a runner is started with: another value starts it anew (server/sched.go,
needsReload). `temperature` and the like are sent along with each prompt."""


def count_loads(requests: Iterable[Request]) -> int:
    """Return the loads of chat models; one that was started with the same options goes on.

    `shift` decides how the runner is started since 0.33, and is on unless a request says otherwise.
    """
    running: dict[str, tuple[object, ...]] = {}
    loads = 0
    for request in requests:
        if request.path not in ("/api/chat", "/api/generate"):
            continue
        model, options = request.body["model"], request.body.get("options") or {}
        started = (*map(options.get, RUNNER_OPTIONS), request.body.get("shift", True))
        loads += running.get(model) != started
        running[model] = started
        if request.body.get("keep_alive") == 0:
            del running[model]
    return loads
