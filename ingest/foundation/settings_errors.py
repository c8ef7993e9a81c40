"""Errors of settings: which one is wrong, and what to write instead."""

import difflib
from collections.abc import Iterable

from pydantic import ValidationError

from ingest.foundation.errors import SettingsError
from ingest.foundation.messages import Message, join_messages

ENV_PREFIX = "ASSISTANT_"

HOST_HINT = Message("write an address such as http://127.0.0.1:11434")

RESEMBLANCE = 0.6
"""difflib's ratio from which a name is taken for a slip of the keyboard: "chnuk" for "chunk"."""


def resembles(name: str, names: Iterable[str]) -> bool:
    """Return whether `name` is nearly one of `names`."""
    return bool(difflib.get_close_matches(name, list(names), n=1, cutoff=RESEMBLANCE))


def unknown_setting(
    source: str, name: str, names: list[str], *, written: str = ""
) -> SettingsError:
    """Return the error for a key that none of `names` is, and the nearest of them.

    `source` is the file, or "$VARIABLE", in which it stands; `written` how it is there, when
    `name` is what took its place in this version.
    """
    # Less strict than `resembles`: the name is wrong in any case, so a far guess can only help.
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if source.startswith("$"):
        whole = [word if "." in word else f"{word}.<KEY>" for word in near]
        near = [ENV_PREFIX + word.upper().replace(".", "__") for word in whole]
    return SettingsError(
        Message("{source}: unknown setting {name}", source=source, name=written or name),
        hint=Message("did you mean {near}?", near=near[0])
        if near
        else Message("see docs/configuration.md"),
    )


def unusable_value(error: ValidationError) -> SettingsError:
    """Return the error for the first value that does not fit, and what to write instead.

    A value that may be a key is not shown: one of a setting that is called so, and one that stands
    in the place of a table or under a name that does not exist.
    """
    first = error.errors(include_url=False)[0]  # one at a time: the next may follow from it
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":  # within JSON in the environment
        return SettingsError(
            Message("there is no setting {name}", name=name),
            hint=Message("see docs/configuration.md"),
        )
    if first["type"] == "model_type" or name.endswith((".key", "_key")):
        message = Message("setting {name} cannot be what it is", name=name)
    else:
        message = Message("setting {name} cannot be {first!r}", name=name, first=first.get("input"))
    rule = _RULES.get(first["type"])
    if first["type"] == "host":
        return SettingsError(message, hint=HOST_HINT)
    if rule is None:  # pydantic's English, where we have no text of our own
        return SettingsError(message, hint=Message.verbatim(first["msg"]))
    figures: dict[str, object] = {}
    for key, value in first.get("ctx", {}).items():
        if f"{{{key}}}" not in rule:
            continue  # a message without values is not formatted: its braces stand for themselves
        # pydantic gives choices as one text, "'a', 'b' or 'c'": the "or" has to be translated.
        figures[key] = (
            join_messages([Message.verbatim(one) for one in value.split(" or ")], _OR)
            if isinstance(value, str) and " or " in value
            else value
        )
    return SettingsError(message, hint=Message(rule, **figures))


_OR = Message(" or ")

_RULES: dict[str, str] = {
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "string_type": 'write text in quotes: "…"',
    "model_type": "write a table: { key = value }",
    "dict_type": "write a table: { key = value }",
    "finite_number": "write a finite number",
    "too_short": "write at least {min_length}",
    "string_too_long": "write at most {max_length} {max_length:?character|characters}",
    "string_pattern_mismatch": "it must be of the form {pattern}",
    "string_too_short": "write at least {min_length} {min_length:?character|characters}",
    "tuple_type": 'write a list: ["a.com"]',
    "greater_than": "it must be greater than {gt}",
    "greater_than_equal": "it must be {ge} or more",
    "less_than": "it must be less than {lt}",
    "less_than_equal": "it must be {le} or less",
    "literal_error": "it must be {expected}",
}
"""pydantic's kind of error -> what to write instead, with its own figures in braces."""
