"""A model behind OpenAI's chat completions: vLLM, llama.cpp, SGLang, or our own `serve`."""

import os

from finetune.errors import EvaluationError
from finetune.evaluate.generate.served import SILENCE_S, ServedGenerator, unreachable_error
from finetune.recipe import Recipe
from finetune.runs import digest_of
from ingest.foundation.messages import Message
from ingest.model_servers.base import ModelServerError, run_exchange
from ingest.model_servers.openai import OpenAIClient

SHOWN_CHARACTERS = 200
"""Characters shown of a server's model names in an error."""


class OpenAIGenerator(ServedGenerator):
    """One model of one server. $OPENAI_API_KEY is sent if it is set."""

    def __init__(self, address: str, recipe: Recipe, *, silence_s: float = SILENCE_S) -> None:
        """Take "http://host:8000/v1", or "…/v1#model" where a server has more than one.

        Raises:
            SettingsError: the key cannot be sent as it stands.
            EvaluationError: no such server answers, or it does not have the model.
        """
        url, _, wanted_model = address.partition("#")
        key = os.environ.get("OPENAI_API_KEY", "")
        client = OpenAIClient(url, timeout_s=silence_s, api_key=key, key_source="$OPENAI_API_KEY")
        start_hint = Message(
            "start it, for example: vllm serve FOLDER; the address ends in /v1 as a rule"
        )
        try:
            names = run_exchange(client, client.models())
        except ModelServerError as error:
            raise unreachable_error(client.url, error, start_hint) from error
        if not names or (wanted_model and wanted_model not in names):
            name_list = ", ".join(names)[:SHOWN_CHARACTERS] or "-"
            raise EvaluationError(
                Message("{url} has no model {wanted}", url=client.url, wanted=wanted_model),
                hint=Message("it has: {known}", known=name_list),
            )
        model = wanted_model or names[0]
        super().__init__(
            client,
            recipe,
            model=model,
            name=f"openai:{model}",
            # These servers show no digest of their weights.
            identity=digest_of(client.url, model),
            start_hint=start_hint,
        )
