"""What can go wrong between domain data and a served model.

QiuzhengError                (ingest.foundation.errors)
└── FinetuneError
    ├── RecipeError               the recipe, or what it names, cannot be used
    ├── DataError                 rows cannot be read, or none are left
    ├── BaseModelError            the model to start from is missing or does not fit
    ├── TrainingError             training cannot go on: disk, a broken checkpoint
    │   └── UnsuitableSettingsError   with these settings: NaN, memory
    ├── EvaluationError           a model does not answer, or its replies cannot be read
    └── ExportError               the tuned model cannot be written, or a server rejects it
"""

from ingest.foundation.errors import MissingDependencyError, QiuzhengError
from ingest.foundation.extras import install_command
from ingest.foundation.messages import Message


class FinetuneError(QiuzhengError):
    """Base of what fine-tuning raises on purpose."""


class RecipeError(FinetuneError):
    """The recipe, or a file or step that it names, cannot be used."""

    exit_code = 2  # as click's for wrong options: the caller, not the run, is at fault


class DataError(FinetuneError):
    """Rows cannot be read, or none are left; the message names file and row."""


class BaseModelError(FinetuneError):
    """The model to start from is missing, broken, or does not fit the recipe."""


class TrainingError(FinetuneError):
    """Training cannot go on; what was saved stays."""


class UnsuitableSettingsError(TrainingError):
    """Training cannot go on with these settings: numbers overflow, or memory does not suffice."""


class EvaluationError(FinetuneError):
    """A model does not answer, or replies cannot be read; replies that came are kept."""


class ExportError(FinetuneError):
    """The tuned model cannot be written, or a server does not take it."""


def not_installed(error: ModuleNotFoundError) -> MissingDependencyError:
    """Return the error for a library of the extra [finetune] that is not there."""
    name, install = error.name, install_command("finetune")
    return MissingDependencyError(
        Message("this step takes {name}", name=name), hint=Message.verbatim(install)
    )
