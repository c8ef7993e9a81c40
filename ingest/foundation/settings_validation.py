"""What is wrong with a setting, in words, and what to write instead."""

import difflib

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ingest.errors import SettingsError
from ingest.foundation.messages import Wording

ENV_PREFIX = "ASSISTANT_"

CALLABLE = Wording(
    "write an address such as http://127.0.0.1:11434", "请写成 http://127.0.0.1:11434 这样的地址"
)

RENAMED = {"search.provider": "search.engines"}
"""Setting of an older version -> the one in its place."""


def unknown_setting(source: str, name: str, names: list[str]) -> SettingsError:
    """Return the error for a key that none of `names` is, and the nearest of them.

    `source` is the file, or "$VARIABLE", in which it stands.
    """
    near = difflib.get_close_matches(RENAMED.get(name, name), names, n=1, cutoff=0.5)
    if source.startswith("$"):
        whole = [word if "." in word else f"{word}.<KEY>" for word in near]
        near = [ENV_PREFIX + word.upper().replace(".", "__") for word in whole]
    return SettingsError(
        Wording(f"{source}: unknown setting {name}", f"{source}：没有 {name} 这个设置"),
        hint=Wording(f"did you mean {near[0]}?", f"是不是 {near[0]}？")
        if near
        else Wording("see docs/configuration.md", "见 docs/configuration.md"),
    )


def unusable_value(error: ValidationError) -> SettingsError:
    """Return the error for the first value that does not fit, and what to write instead."""
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    return SettingsError(
        Wording(
            f"setting {name} cannot be {first.get('input')!r}",
            f"设置 {name} 不能是 {first.get('input')!r}",
        ),
        hint=_rule(first),
    )


_RULES: dict[str, Wording] = {
    "int_parsing": Wording("write a whole number", "请写整数"),
    "int_type": Wording("write a whole number", "请写整数"),
    "int_from_float": Wording("write a whole number", "请写整数"),
    "float_parsing": Wording("write a number", "请写数字"),
    "float_type": Wording("write a number", "请写数字"),
    "bool_parsing": Wording("write true or false", "请写 true 或 false"),
    "bool_type": Wording("write true or false", "请写 true 或 false"),
    "string_type": Wording('write text in quotes: "…"', '请写加引号的文字："…"'),
    "model_type": Wording("write a table: {{ key = value }}", "请写成表：{{ 键 = 值 }}"),
    "dict_type": Wording("write a table: {{ key = value }}", "请写成表：{{ 键 = 值 }}"),
    "finite_number": Wording("write a finite number", "请写有限的数字"),
    "too_short": Wording("write at least {min_length}", "至少要写 {min_length} 项"),
    "string_too_long": Wording("write at most {max_length} characters", "最多 {max_length} 个字符"),
    "string_pattern_mismatch": Wording(
        "it must be of the form {pattern}", "必须符合 {pattern} 的形式"
    ),
    "string_too_short": Wording(
        "write at least {min_length} characters", "至少要有 {min_length} 个字符"
    ),
    "tuple_type": Wording('write a list: ["a.com"]', '请写成列表：["a.com"]'),
    "greater_than": Wording("it must be greater than {gt}", "必须大于 {gt}"),
    "greater_than_equal": Wording("it must be {ge} or more", "不能小于 {ge}"),
    "less_than": Wording("it must be less than {lt}", "必须小于 {lt}"),
    "less_than_equal": Wording("it must be {le} or less", "不能大于 {le}"),
    "literal_error": Wording("it must be {expected}", "只能是 {expected}"),
    "host": CALLABLE,
}
"""pydantic's kind of error -> what to write instead, with its own figures in braces."""


def _rule(first: ErrorDetails) -> Wording:
    rule = _RULES.get(first["type"])
    if rule is None:
        return Wording(first["msg"], first["msg"])
    figures = first.get("ctx", {})
    zh = rule.zh.format(**figures).replace(" or ", " 或 ")
    return Wording(rule.en.format(**figures), zh)
