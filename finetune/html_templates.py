"""Templates of pages and model cards: where they are found."""

from pathlib import Path
from typing import Any

from ingest.foundation.html_templates import Filters, render_template
from ingest.foundation.messages import Language


def render(
    template: str, language: Language, *, filters: Filters | None = None, **values: Any
) -> str:
    """Return the page of one of our templates, by its file name."""
    path = Path(__file__).parent / "templates" / template
    return render_template(path, language, filters=filters, **values)
