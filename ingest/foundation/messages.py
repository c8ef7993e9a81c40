"""Text for people, kept untranslated until a front end knows its reader's language.

A `Message` is written in English where it arises; each package keeps its translations in
`translations/<language>.json`, a map from the English template to the translated one. So a value
that carries a message (an event, an error) can be shown in any language, also later and again.
How a language is added: docs/decisions/0009-messages.md.
"""

import errno
import functools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self, get_args

Language = Literal["zh", "en"]
"""A language that `--lang` and the settings offer. One word more here offers one more."""
LANGUAGES: tuple[Language, ...] = get_args(Language)
_TRANSLATED = tuple(language for language in LANGUAGES if language != "en")

_folders: list[Path] = []
"""The `translations` folders of the packages that are imported."""


_FORMS = re.compile(r"\{(?P<name>\w+):\?(?P<one>[^{}|]*)\|(?P<several>[^{}|]*)\}")
"""`{count:?page|pages}`: one form for a single one, another for any other number."""

_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069"
    r"\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
    # The joiners belong to the spelling of Persian and Hindi, and to emoji: not to ASCII.
    r"|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)
"""Control characters but tab and line end, those that turn the direction of writing, and those that
nobody sees."""


def add_catalogue(folder: Path) -> None:
    """Take translations from `folder`, in which each `<language>.json` maps English to it.

    Each package calls this when it is imported, so that a lower package need not know a higher one.
    """
    if folder not in _folders:
        _folders.append(folder)
        _catalogue.cache_clear()  # what was looked up before lacks the new package


@functools.cache
def _catalogue(language: str) -> dict[str, str]:
    """Return English template -> translated one, of all packages; the lower package's wins."""
    merged: dict[str, str] = {}
    # Packages are imported from the lowest up, so the lowest is merged last and wins.
    for folder in reversed(_folders):
        path = folder / f"{language}.json"
        if path.is_file():
            merged.update(json.loads(path.read_text(encoding="utf-8")))
    return merged


class Message:
    """One sentence for people, in no language yet.

    Args:
        template: The English sentence, with `{name}` or `{name:format}` for each value, as
            `str.format` has it. Without values nothing is formatted: braces stand for themselves.
            What agrees with a number has two forms: "{count} {count:?page is|pages are} late".
        values: What is put in. A value that is a message itself is localized with the sentence; a
            translation may use other values than the English text does.
    """

    __slots__ = ("_template", "_translations", "_values")

    def __init__(self, template: str, /, **values: object) -> None:
        self._template = template
        self._values = values
        self._translations: dict[str, str] | None = None

    @classmethod
    def bilingual(cls, en: str, zh: str) -> Self:
        """Return a text whose translation comes with it: a prompt, or a message read from a file.

        Prompts are not in the catalogues: a translated prompt has to be measured, not only read.
        """
        return cls.from_translations({"en": en, "zh": zh})

    @classmethod
    def from_translations(cls, translations: Mapping[str, str]) -> Self:
        """Return what `in_each_language` gave; English, which must be there, stands in for others.

        A file may be older than a language that is offered today.
        """
        message = cls(translations["en"])
        message._translations = dict(translations)
        return message

    @classmethod
    def verbatim(cls, text: str) -> Self:
        """Return text that is the same in every language: a path, a name, a vendor's own text."""
        return cls.bilingual(text, text)

    def localize(self, language: str) -> str:
        """Return the sentence in `language`, in English where there is no translation."""
        if self._translations is not None:
            return self._translations.get(language, self._template)
        template = self._template
        if language != "en":
            template = _catalogue(language).get(template, template)
        if not self._values:
            return template  # as it is: "write a table: { key = value }"
        if ":?" in template:
            template = _FORMS.sub(self._agreeing_form, template)
        return template.format(
            **{
                name: value.localize(language) if isinstance(value, Message) else value
                for name, value in self._values.items()
            }
        )

    def _agreeing_form(self, found: re.Match[str]) -> str:
        return found["one"] if self._values[found["name"]] in (1, "1") else found["several"]

    def in_each_language(self) -> dict[str, str]:
        """Return language code -> sentence, as it is kept in files and sent to other processes."""
        return {language: self.localize(language) for language in ("en", *_TRANSLATED)}

    def __bool__(self) -> bool:
        """Return whether the message has any text."""
        return bool(self._template)

    def __str__(self) -> str:
        return self.localize("en")

    def __repr__(self) -> str:
        return f"Message({self.localize('en')!r})"

    def __eq__(self, other: object) -> bool:
        """Return whether both have the same text in each language, however they were made."""
        if not isinstance(other, Message):
            return NotImplemented
        return self.in_each_language() == other.in_each_language()

    def __hash__(self) -> int:
        # English alone: equal messages have equal English, and a hash may collide.
        return hash(self.localize("en"))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Read and write a message as JSON.

        It is written in the language of the serialization context, `{"language": "zh"}`, and as a
        map of all languages without one; both are read.
        """
        from pydantic_core import core_schema  # noqa: PLC0415  not for `--help`

        def write(message: Message, info: Any) -> str | dict[str, str]:
            language = (info.context or {}).get("language")
            return message.localize(language) if language else message.in_each_language()

        return core_schema.no_info_plain_validator_function(
            _parse_message,
            serialization=core_schema.plain_serializer_function_ser_schema(write, info_arg=True),
        )


class _JoinedMessage(Message):
    """Several messages in a row."""

    __slots__ = ("_parts", "_separator")

    def __init__(self, parts: tuple[Message, ...], separator: Message) -> None:
        super().__init__(separator.localize("en").join(part.localize("en") for part in parts))
        self._parts = parts
        self._separator = separator

    def localize(self, language: str) -> str:
        return self._separator.localize(language).join(
            part.localize(language) for part in self._parts
        )


NO_MESSAGE = Message("")
COLON = Message.bilingual(": ", "：")
COMMA = Message.bilingual(", ", "，")
LIST_COMMA = Message.bilingual(", ", "、")
"""Between the items of an enumeration; Chinese tells the two apart."""
SEMICOLON = Message.bilingual("; ", "；")
ELLIPSIS = Message.bilingual("…", "……")


def join_messages(parts: Iterable[Message], separator: Message = NO_MESSAGE) -> Message:
    """Return the messages one after another, `separator` between them."""
    return _JoinedMessage(tuple(parts), separator)


def in_brackets(text: Message) -> Message:
    """Return " (text)", as it is behind a word: Chinese brackets bring their own space."""
    return Message(" ({text})", text=text)


def enumerate_names(names: Iterable[str]) -> Message:
    """Return names, commands or keys as an enumeration: "a, b, c"."""
    return join_messages((Message.verbatim(name) for name in names), LIST_COMMA)


def plain(value: Any) -> Any:
    """Return `value`, as `dataclasses.asdict` gives it, with each message in all languages."""
    match value:
        case Message():
            return value.in_each_language()
        case dict():
            return {name: plain(one) for name, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case _:
            return value


def _parse_message(value: object) -> Message:
    """Return the message of a JSON value, or raise ValueError for pydantic to report."""
    match value:
        case Message():
            return value
        case str():
            return Message.verbatim(value)
        case {"en": str(en), **others} if all(isinstance(text, str) for text in others.values()):
            named = {str(language): str(text) for language, text in others.items()}
            return Message.from_translations({"en": en} | named)
        case _:
            raise ValueError("not a message")


_SYSTEM_ERRORS = {
    errno.ENOENT: Message("no such file or folder"),
    errno.EACCES: Message("permission denied"),
    errno.EPERM: Message("operation not permitted"),
    errno.EISDIR: Message("it is a folder"),
    errno.ENOTDIR: Message("a part of the path is not a folder"),
    errno.ENOSPC: Message("no space left on device"),
    errno.EROFS: Message("read-only file system"),
    errno.EADDRINUSE: Message("address already in use"),
    errno.EADDRNOTAVAIL: Message("cannot assign requested address"),
}
"""The commonest errors of the operating system: Python has their text in the locale's language or
in English, which need not be the reader's."""


def describe_os_error(error: OSError) -> Message:
    """Return why the operating system refused, in its own text where we have no translation."""
    text = error.strerror or type(error).__name__
    known = _SYSTEM_ERRORS.get(error.errno or 0)
    # English readers get the system's own text, which they can search for.
    translations = known.in_each_language() if known else {}
    return Message.from_translations(translations | {"en": text})


def escape_json(text: str) -> str:
    """Return JSON in which what `printable` takes out stands as its escape.

    JSON escapes characters below U+0020 itself, so what stands raw in it is in strings alone:
    the value stays the same.
    """
    return _UNPRINTABLE.sub(lambda found: json.dumps(found[0])[1:-1], text)


def printable(text: str) -> str:
    """Return text of strangers without what would move the cursor or colour the terminal."""
    return _UNPRINTABLE.sub("", text)
