"""Where the command `assistant` begins, and `python -m assistant`, should its name be taken."""

import gc

from ingest.foundation.startup import prepare_process

OBJECTS_PER_COLLECTION = 50_000
"""Python collects garbage after 700 new objects. A question makes some 200,000, nearly all of them
code of modules that stays: 280 collections took 100 of its 1,400 ms and freed nothing."""


def main(name: str | None = None) -> None:
    """Run the command; `name` is what its help calls it."""
    prepare_process()
    gc.set_threshold(OBJECTS_PER_COLLECTION)
    from assistant.cli.main import main as command  # noqa: PLC0415  after Ctrl-C has been taken

    command(prog_name=name)


if __name__ == "__main__":
    main("python -m assistant")
