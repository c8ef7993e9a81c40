"""Templates of pages and model cards: what they may do."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ingest.foundation.messages import Language, Message

Filters = Mapping[str, Callable[..., str]]


def render_template(
    path: Path, language: Language, *, filters: Filters | None = None, **values: Any
) -> str:
    """Return the page of a template, in which `t(text)` is the sentence in `language`.

    HTML is escaped, Markdown is not; a name that a template misspells is an error.
    """
    import jinja2  # here, so that commands without a page do not wait for it

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent),
        # Rows of strangers are in these pages: `<script>` in a question must be text.
        autoescape=jinja2.select_autoescape(["html.j2"]),
        # By default a misspelt name is an empty place, which no test would see.
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(filters or {})
    return environment.get_template(path.name).render(
        language=language, t=lambda text: Message(text).localize(language), **values
    )
