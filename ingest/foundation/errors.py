"""The root of all errors that the project raises on purpose; each package has its own branch."""

from ingest.foundation.messages import NO_MESSAGE, Language, Message


class QiuzhengError(Exception):
    """Base of every error that a user may see: what happened, and what to do next."""

    exit_code = 1
    """Exit code of a command that ends with this error: 1 it failed, 2 it was called wrongly."""

    code = "failed"
    """What failed, in one word for programs: "settings", "index", "model", …"""

    def __init__(self, message: Message, *, hint: Message = NO_MESSAGE) -> None:
        super().__init__(str(message))  # in English: what logs and tracebacks show
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        """Make errors travel between processes: pickle would call the class with `args` alone."""
        return _restore_error, (type(self), self.args, self.__dict__.copy())

    @property
    def full_message(self) -> Message:
        """What happened, to what, and what to do next, in one sentence."""
        if not self.hint:
            return self.message
        return Message("{message}: {hint}", message=self.message, hint=self.hint)

    def localize(self, language: Language) -> str:
        """Return `full_message` in `language`."""
        return self.full_message.localize(language)


class SettingsError(QiuzhengError):
    """The configuration cannot be used."""

    exit_code = 2
    code = "settings"


class MissingDependencyError(QiuzhengError):
    """An optional dependency is not installed; the hint is the one command that installs it."""

    code = "missing_dependency"


def _restore_error(
    kind: type[QiuzhengError], args: tuple[object, ...], state: dict[str, object]
) -> QiuzhengError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error
