"""The root of everything this project raises on purpose; each package grows its own branch."""

from ingest.foundation.messages import NO_MESSAGE, Language, Message


class QiuzhengError(Exception):
    """Base of every error that a user may see: what happened, and what to do next."""

    exit_code = 1
    """Of a command that ends with this error: 1 we failed, 2 it was asked wrongly."""

    code = "failed"
    """What failed, in one word for programs: "settings", "index", "model", …"""

    def __init__(self, message: Message, *, hint: Message = NO_MESSAGE) -> None:
        super().__init__(str(message))
        self.message = message
        self.hint = hint

    @property
    def full_message(self) -> Message:
        """One line: what happened, to what, and what to do next."""
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
    """An optional part is not installed; the hint is the one command that brings it."""

    code = "missing_dependency"
