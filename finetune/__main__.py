"""Where the command `finetune` begins, and `python -m finetune`."""

from pathlib import Path

from ingest.foundation.startup import prepare_process


def main(name: str | None = None) -> None:
    """Run the command; `name` is what its help calls it."""
    prepare_process()
    # Only now, after Ctrl-C has been taken; the commands once it is known what click is to speak.
    from ingest.foundation.command_line import command_start  # noqa: PLC0415
    from ingest.text.language import choose_language  # noqa: PLC0415

    language = command_start.command_language(choose_language)
    from finetune.cli import main as command  # noqa: PLC0415

    command_start.start_command(command, Path(__file__).parent, language, name=name)


if __name__ == "__main__":
    main("python -m finetune")
