"""Where the command `assistant` begins, and `python -m assistant`, should its name be taken."""

import gc
from pathlib import Path

from ingest.foundation.startup import prepare_process

OBJECTS_PER_COLLECTION = 50_000
"""Python collects garbage after 700 new objects. A question makes some 200,000, nearly all of them
code of modules that stays: 280 collections took 100 of its 1,400 ms and freed nothing."""


def main(name: str | None = None) -> None:
    """Run the command; `name` is what its help calls it."""
    prepare_process()
    gc.set_threshold(OBJECTS_PER_COLLECTION)
    # Only now, after Ctrl-C has been taken; the commands once it is known what click is to speak.
    from ingest.foundation.command_line import command_start  # noqa: PLC0415
    from ingest.text.language import choose_language  # noqa: PLC0415

    language = command_start.command_language(choose_language)
    from assistant.cli.main import main as command  # noqa: PLC0415

    command_start.start_command(command, Path(__file__).parent, language, name=name)


if __name__ == "__main__":
    main("python -m assistant")
