"""Templates of pages: one place that says how they are found and what they may do."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ingest.foundation.messages import Language, Message

Filters = Mapping[str, Callable[..., str]]


def render(
    template: str, language: Language, *, filters: Filters | None = None, **values: Any
) -> str:
    """Return a page. `t(text)` in a template is the sentence in `language`.

    HTML is escaped, Markdown is not; a name that a template misspells is an error.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(filters or {})
    return environment.get_template(template).render(
        language=language, t=lambda text: Message(text).localize(language), **values
    )
