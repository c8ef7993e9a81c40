"""`finetune serve`: serve a model of the run over HTTP, until Ctrl-C or SIGTERM."""

import contextlib
import socket

import uvicorn

from finetune.errors import ExportError
from finetune.model.chat_format import chat_format
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.runs import Run
from finetune.serve.app import Defaults, build_app
from finetune.serve.engine import TransformersEngine
from finetune.train.adapters import load_for_inference
from finetune.train.hardware import detect_hardware
from ingest.foundation.messages import Message, describe_os_error


def serve(
    recipe: Recipe, run: Run, model: str, *, host: str, port: int, progress: Progress
) -> None:
    """Serve the base, adapter or merged model on `host` and `port`.

    Raises:
        BaseModelError: the model is missing or broken.
        ExportError: the model does not exist yet, `model` is none of the three, or the port is
            taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # Before the model: a taken port shows at once, not after minutes of loading.
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        reason = describe_os_error(error)
        raise ExportError(
            Message(
                "cannot listen on {host}, port {port}: {reason}",
                host=host,
                port=port,
                reason=reason,
            ),
            hint=Message("choose another one: --port 8602"),
        ) from error
    defaults = Defaults(
        system=recipe.model.system,
        max_tokens=recipe.evaluate.max_new_tokens,
        temperature=recipe.export.temperature,
        top_p=recipe.export.top_p,
    )
    with listener:
        engine = open_engine(recipe, run, model)
        authority = f"[{host}]" if ":" in host else host  # RFC 3986, section 3.2.2
        address = f"http://{authority}:{listener.getsockname()[1]}"
        progress.note(Message("{name} at {address}", name=engine.name, address=address))
        config = uvicorn.Config(
            build_app(engine, defaults=defaults, hosts={host}), log_level="warning"
        )
        # On SIGINT and SIGTERM uvicorn finishes open replies, then raises the signal again: SIGINT
        # as KeyboardInterrupt, while SIGTERM ends the process as a supervisor expects.
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run([listener])


def open_engine(recipe: Recipe, run: Run, model: str) -> TransformersEngine:
    """Return the model `model` of this run, loaded on the best device.

    Raises:
        BaseModelError, ExportError: as `serve` raises them.
    """
    if model not in ("base", "adapter", "merged"):
        raise ExportError(
            Message("there is no model {model} here", model=model),
            hint=Message("base, adapter or merged"),
        )
    folder = {"adapter": run.adapter, "merged": run.merged}.get(model)
    if folder is not None and not folder.is_dir():
        command = "train" if model == "adapter" else "merge"
        raise ExportError(
            Message("there is no {folder}", folder=folder),
            hint=Message("run first: python -m finetune {command} RECIPE", command=command),
        )
    loaded = load_for_inference(recipe, folder, hardware=detect_hardware())
    name = recipe.export.name or recipe.name
    return TransformersEngine(loaded, chat_format(recipe.model.format), name=name)
