"""`finetune serve`: a model of the run behind HTTP, until Ctrl-C."""

import uvicorn

from finetune.chatformat import chat_format
from finetune.errors import ExportError
from finetune.progress import Progress
from finetune.recipe import Recipe
from finetune.runs import Run
from finetune.serve.app import Defaults, build_app
from finetune.serve.engine import TransformersEngine
from finetune.train.adapters import with_adapter
from finetune.train.hardware import hardware
from finetune.train.model import load_base
from ingest.wording import Wording


def serve(
    recipe: Recipe, run: Run, model: str, *, host: str, port: int, progress: Progress
) -> None:
    """Serve base, adapter or merged model.

    Raises:
        BaseModelError: the model is missing or broken.
        ExportError: it has not been made yet, or `model` is none of the three.
    """
    engine = open_engine(recipe, run, model)
    defaults = Defaults(
        system=recipe.model.system,
        max_tokens=recipe.evaluate.max_new_tokens,
        temperature=recipe.export.temperature,
        top_p=recipe.export.top_p,
    )
    address = f"http://{host}:{port}"
    progress.note(Wording(f"{engine.name} at {address}", f"{engine.name} 已就绪：{address}"))
    uvicorn.run(build_app(engine, defaults=defaults), host=host, port=port, log_level="warning")


def open_engine(recipe: Recipe, run: Run, model: str) -> TransformersEngine:
    """Return the model that `model` means in this run, loaded on the best device.

    Raises:
        BaseModelError, ExportError: as `serve`.
    """
    if model not in ("base", "adapter", "merged"):
        raise ExportError(
            Wording(f"there is no model {model} here", f"这里没有模型 {model}"),
            hint=Wording("base, adapter or merged", "可选 base、adapter、merged"),
        )
    folder = {"adapter": run.adapter, "merged": run.merged}.get(model)
    if folder is not None and not folder.is_dir():
        command = "train" if model == "adapter" else "merge"
        raise ExportError(
            Wording(f"there is no {folder}", f"没有 {folder}"),
            hint=Wording(
                f"run first: python -m finetune {command} RECIPE",
                f"请先运行：python -m finetune {command} 配方",
            ),
        )
    whole = folder is not None and (folder / "config.json").is_file()
    table = recipe.model.model_copy(
        update={"base": str(folder.absolute())} if whole and folder else {}
    )
    train = recipe.train.model_copy(update={"precision": "auto", "method": "lora"})
    asked = recipe.model_copy(update={"model": table, "train": train})
    loaded = load_base(asked, hardware=hardware())
    if folder is not None and not whole:
        loaded = with_adapter(loaded, folder)
    name = recipe.export.name or recipe.name
    return TransformersEngine(loaded, chat_format(recipe.model.format), name=name)
