"""A model on an Ollama server."""

from finetune.errors import EvaluationError
from finetune.evaluate.generate.served import SILENCE_S, ServedGenerator, unreachable_error
from finetune.model.chat_format import chat_format
from finetune.recipe import Recipe
from finetune.runs import digest_of
from ingest.foundation.messages import Message
from ingest.foundation.settings import default_ollama_host
from ingest.model_servers.base import ModelServerError, run_exchange
from ingest.model_servers.ollama import OllamaClient, with_tag


class OllamaGenerator(ServedGenerator):
    """One model of one Ollama server."""

    def __init__(
        self, model: str, recipe: Recipe, *, host: str = "", silence_s: float = SILENCE_S
    ) -> None:
        """Look the model up; `host` "" is $OLLAMA_HOST or this machine.

        Raises:
            EvaluationError: no server answers, or it does not have the model.
        """
        client = OllamaClient(host or default_ollama_host(), timeout_s=silence_s)
        start_hint = Message("start it: ollama serve")
        try:
            models = run_exchange(client, client.models())
        except ModelServerError as error:
            raise unreachable_error(client.url, error, start_hint) from error
        if with_tag(model) not in models:
            raise EvaluationError(
                Message("Ollama at {url} has no model {model}", url=client.url, model=model),
                hint=Message(
                    "run: ollama pull {model}, or export ours: python -m finetune export RECIPE "
                    "--to ollama",
                    model=model,
                ),
            )
        fmt = chat_format(recipe.model.format)
        super().__init__(
            client,
            recipe,
            model=model,
            name=f"ollama:{model}",
            # The same name may stand for other weights tomorrow.
            identity=digest_of(models[with_tag(model)]),
            start_hint=start_hint,
            # A format that opens replies with an empty thought wants none; others do not care.
            think=True if fmt.thinks else (False if fmt.opening else None),
            context_tokens=recipe.export.num_ctx,
        )
