"""The tables of a recipe: their keys, defaults and bounds. `finetune.recipe` reads them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

FormatName = Literal[
    "r1-think", "r1-direct", "chatml", "qwen3-think", "qwen3-direct", "llama3", "gemma", "mistral"
]
ReaderName = Literal[
    "auto",
    "alpaca",
    "sharegpt",
    "openai",
    "chat",
    "xtuner",
    "chatgpt",
    "templated",
    "choices",
    "feedback",
    "passages",
    "preference",
    "huatuo",
    "cot",
    "classify",
    "entities",
    "nvc",
]
Step = Literal["unicode", "spaces", "html", "personal", "control_tokens"]
Task = Literal["text", "classify", "entities", "nvc"]
Quantization = Literal["", "f32", "f16", "q8_0", "q4_K_S", "q4_K_M"]
_TEXT_FIELDS = ("question", "think", "answer", "system", "text", "instruction", "label", "entities")
_PAIR_FIELDS = ("rejected",)
_LIST_FIELDS = ("history", "conversations", "messages", "data", "group")
_NVC_FIELDS = ("risk", "observation", "feeling", "need", "request", "rewrite")
MAPPED = frozenset((*_TEXT_FIELDS, *_PAIR_FIELDS, *_LIST_FIELDS, *_NVC_FIELDS))
"""Our names of fields, for each of which `data.map` may name the file's."""

Objective = Literal["sft", "dpo", "orpo"]
BestBy = Literal[
    "loss",
    "exact",
    "token_f1",
    "answer_rouge-l",
    "sentence_chrf",
    "accuracy",
    "macro_f1",
    "entity_f1",
    "risk_f1",
]
FIGURES_OF_TASKS: dict[str, Task] = {
    "accuracy": "classify",
    "macro_f1": "classify",
    "entity_f1": "entities",
    "risk_f1": "nvc",
}
"""Figures that only one task has."""

Reporter = Literal["tensorboard", "mlflow", "wandb"]
Share = Annotated[float, Field(ge=0, le=1)]


class RecipeTable(BaseModel):
    """One table of a recipe: frozen, and strict about its keys.

    The descriptions of the fields are the text of docs/recipes.md.
    """

    # pydantic drops unknown keys by default: "lrr = 2e-4" would train with the default rate.
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelTable(RecipeTable):
    """Which model is trained, and in which chat format."""

    base: str = Field(min_length=1, description="Folder of the base model, or its name on a hub.")
    format: FormatName = Field(
        default="r1-think",
        description="r1-think: DeepSeek-R1 with its thinking; r1-direct: the same, thinking left "
        "empty; chatml: Qwen2.5 and others; qwen3-think, qwen3-direct: Qwen3 with and without "
        "its thinking; llama3: Llama 3; gemma: Gemma 2 and 3; mistral: Mistral Instruct v0.3.",
    )
    system: str = Field(default="", description="System message of rows that bring none.")


class Oversample(RecipeTable):
    """Key rows that are shown more often."""

    match: str = Field(min_length=1, description="Text that the row's question or answer holds.")
    times: int = Field(ge=2, le=100, description="How often such a row stands in training.")


class AugmentTable(RecipeTable):
    """Rows varied in ways that keep their label; off unless a number is set."""

    copies: int = Field(default=0, ge=0, le=10, description="Varied copies of a training row.")
    methods: tuple[Literal["typos", "punctuation", "shuffle", "synonyms"], ...] = Field(
        default=("punctuation",), description="How questions are varied; answers never are."
    )
    synonyms: str = Field(default="", description="File of synonyms, one group a line.")


class WindowTable(RecipeTable):
    """Long texts of extraction rows are cut into windows that share some text."""

    characters: int = Field(default=0, ge=0, description="Longest window; 0: texts stay whole.")
    overlap: int = Field(default=0, ge=0, description="Characters that neighbours share.")


class SplitTable(RecipeTable):
    """Shares of the splits: they add up to 1."""

    train: Share = Field(default=0.85, description="What is learnt from.")
    val: Share = Field(default=0.15, description="What the best checkpoint is chosen by.")
    test: Share = Field(default=0.0, description="What nothing is chosen by.")
    stratify: Literal["", "label"] = Field(
        default="", description="label: each split has the same share of each label."
    )
    group: Literal["question", "group", "document"] = Field(
        default="question", description="What never stands in two splits."
    )


class DataTable(RecipeTable):
    """Which rows are trained on, and how they are prepared."""

    files: tuple[str, ...] = Field(min_length=1, description="Data files, of one or more formats.")
    train_only: tuple[str, ...] = Field(
        default=(),
        description="Those of `files` whose rows are all trained on: none is held out.",
    )
    reader: ReaderName = Field(default="auto", description="Format of the files; auto: looked at.")
    map: dict[str, str] = Field(
        default={},
        description="Field of ours -> field of the file: question, think, answer, system, text, "
        "label, entities, group, rejected. For chats answer is the name of who answers.",
    )
    encoding: str = Field(default="auto", description="auto: UTF-8, else found out (GBK, …).")
    instruction: str = Field(
        default="", description="Words before the text of classification and extraction rows."
    )
    labels: tuple[str, ...] = Field(default=(), description="Labels allowed; empty: all found.")
    clean: tuple[Step, ...] = Field(
        default=("unicode", "spaces", "html", "control_tokens"),
        description="Cleaning steps; personal, off by default, masks phone, card, passport and "
        "identity numbers, mail addresses, and names, addresses and accounts marked as such.",
    )
    dedupe: Literal["off", "exact", "near"] = Field(
        default="exact", description="near: rows that are almost the same, too."
    )
    near: Share = Field(default=0.9, description="Similarity (Jaccard) from which rows are alike.")
    max_row_bytes: int = Field(
        default=1_000_000, ge=1_000, description="Longer rows are quarantined."
    )
    max_bad_share: Share = Field(
        default=0.2, description="Share of quarantined rows from which we stop."
    )
    limit: int = Field(default=0, ge=0, description="Rows read at most; 0: all.")
    oversample: tuple[Oversample, ...] = Field(
        default=(), description='Rows shown more often: [{ match = "15GB", times = 5 }].'
    )
    augment: AugmentTable = AugmentTable()
    window: WindowTable = WindowTable()
    split: SplitTable = SplitTable()


class TrainTable(RecipeTable):
    """How the model is trained."""

    @model_validator(mode="before")
    @classmethod
    def _split_method(cls, values: Any) -> Any:
        """Read `method = "dpo"`: elsewhere one key says which weights learn, and from what."""
        if isinstance(values, Mapping) and values.get("method") in ("dpo", "orpo"):
            return {**values, "method": "lora", "objective": values["method"]}
        return values

    method: Literal["lora", "qlora", "full"] = Field(
        default="lora",
        description="qlora: LoRA over a base in 4 bits (CUDA); full: all weights learn. "
        '"dpo" and "orpo" are short for LoRA with that objective.',
    )
    objective: Objective = Field(
        default="sft",
        description="sft: learn the answers; dpo, orpo: learn to prefer them to rejected ones, "
        "from rows that have both. dpo starts from a model that answers already, orpo learns the "
        "answers besides.",
    )
    beta: float = Field(
        default=0.1,
        gt=0,
        description="dpo: how near the model stays to where it began; orpo: the weight of the "
        "preference beside the answer.",
    )
    r: int = Field(default=8, ge=1, description="Rank of LoRA.")
    alpha: int = Field(default=16, ge=1, description="Scale of LoRA; customary: 2r.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Of LoRA.")
    rslora: bool = Field(
        default=False,
        description="Scale LoRA by alpha/√r instead of alpha/r (Kalajdzievski 2023), so that ranks "
        "of 32 and more learn as fast as small ones.",
    )
    dora: bool = Field(
        default=False,
        description="Learn size and direction of weights apart (Liu et al. 2024): nearer to full "
        "training at small ranks, and slower.",
    )
    neftune: float = Field(
        default=0,
        ge=0,
        description="Noise on embeddings while training (Jain et al. 2023), customary: 5. 0: none.",
    )
    targets: tuple[str, ...] = Field(
        default=("all",), description="Linear layers that LoRA adapts, by the end of their names."
    )
    epochs: float = Field(default=3, gt=0, description="Rounds through the data.")
    max_steps: int = Field(default=0, ge=0, description="Stop after so many steps; 0: epochs.")
    lr: float = Field(default=1e-4, gt=0, description="Highest learning rate.")
    schedule: Literal["cosine", "linear", "constant"] = Field(
        default="cosine", description="How the learning rate falls after the warm-up."
    )
    warmup: float = Field(
        default=0.03, ge=0, description="Below 1: share of all steps; from 1 on: steps."
    )
    batch: int = Field(default=2, ge=1, description="Samples at once on one device.")
    accumulate: int = Field(default=8, ge=1, description="Batches before one step.")
    max_tokens: int = Field(default=1024, ge=16, description="Longest sample, prompt and reply.")
    packing: bool = Field(
        default=False,
        description="Several short samples share a row of max_tokens, and none sees another: no "
        "time goes into padding. A batch then counts rows, so that batch or accumulate is lowered.",
    )
    over_length: Literal["drop", "shorten"] = Field(
        default="drop",
        description="shorten: the earliest turns go; a target is never cut. Both are counted.",
    )
    turns: Literal["last", "all"] = Field(
        default="last", description="all: each turn of a conversation becomes a sample."
    )
    precision: Literal["auto", "bf16", "fp16", "fp32"] = Field(
        default="auto",
        description="auto: bf16 on cards of compute capability 8 or more, fp16 on older ones, "
        "else fp32.",
    )
    gradient_checkpointing: bool = Field(
        default=True, description="Compute activations twice instead of keeping them."
    )
    weight_decay: float = Field(default=0.0, ge=0, description="Of AdamW.")
    clip: float = Field(default=1.0, ge=0, description="Largest norm of the gradient; 0: any.")
    early_stop: int = Field(
        default=0, ge=0, description="Evaluations without gain after which we stop; 0: never."
    )
    best_by: BestBy = Field(
        default="loss",
        description="What the best checkpoint and the early stop go by: the validation loss, or a "
        "figure of the replies to validation questions, which takes time at each evaluation.",
    )
    best_questions: int = Field(
        default=32, ge=1, description="Validation questions that are answered for best_by."
    )
    evaluate_every: int = Field(default=0, ge=0, description="Steps; 0: each epoch.")
    save_every: int = Field(default=0, ge=0, description="Steps; 0: with each evaluation.")
    keep: int = Field(default=2, ge=1, description="Checkpoints kept, the best one besides.")
    log_every: int = Field(default=5, ge=1, description="Steps.")
    reporters: tuple[Reporter, ...] = Field(
        default=(),
        description="Where else figures go: tensorboard (files in runs/NAME/train/tensorboard), "
        "mlflow, wandb. Off by default: wandb sends them to a server of others.",
    )
    loss_chunk: int = Field(
        default=1024, ge=0, description="Target tokens whose logits are held at once; 0: all."
    )


class EvaluateTable(RecipeTable):
    """How a model is judged."""

    task: Task = Field(default="text", description="Which figures make sense.")
    split: Literal["val", "test"] = Field(default="val", description="Whose questions are asked.")
    limit: int = Field(default=200, ge=0, description="Records asked at most; 0: all.")
    max_new_tokens: int = Field(default=512, ge=1, description="Longest reply.")
    temperature: float = Field(
        default=0.0, ge=0, le=2, description="0: the likeliest token each time (greedy)."
    )
    batch: int = Field(default=8, ge=1, description="Questions at once.")
    similarity: Literal["auto", "off"] = Field(
        default="auto", description="auto: with the encoder that the assistant uses."
    )
    perplexity: bool = Field(default=True, description="Of the targets, for weights at hand.")
    other_texts: bool = Field(
        default=False,
        description="With passages, ask the questions on texts of other kinds that come with the "
        "package, too: the gate refuses a model that answers them worse than its base.",
    )
    other_rows: tuple[str, ...] = Field(
        default=(),
        description="Files that `finetune synthesize` wrote, of other collections: asked with "
        "`other_texts`.",
    )


class ExportTable(RecipeTable):
    """Under which name and with which settings the tuned model is served."""

    name: str = Field(default="", description="Name in Ollama; empty: the recipe's.")
    quantize: Quantization = Field(
        default="q4_K_M", description='What Ollama makes of it; "": f16.'
    )
    num_ctx: int = Field(default=8_192, ge=256, description="Context in Ollama, in tokens.")
    temperature: float = Field(default=0.6, ge=0, le=2, description="DeepSeek advises 0.5 to 0.7.")
    top_p: float = Field(default=0.95, gt=0, le=1, description="DeepSeek advises 0.95.")
    license: str = Field(default="", description="Licence text, or a file that holds it.")
