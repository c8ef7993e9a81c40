"""Where the command `finetune` begins, and `python -m finetune`."""

from pathlib import Path

from ingest.foundation.startup import prepare_process


def main(name: str | None = None) -> None:
    """Run the command; `name` is what its help calls it."""
    prepare_process()
    from finetune.cli import main as command  # noqa: PLC0415  after Ctrl-C has been taken
    from ingest.text.command_help import localize_help  # noqa: PLC0415
    from ingest.text.language import choose_language  # noqa: PLC0415

    localize_help(command, Path(__file__).parent / "command_help", choose_language(None))
    command(prog_name=name)


if __name__ == "__main__":
    main("python -m finetune")
