"""Where the command `finetune` begins, and `python -m finetune`."""

from ingest.foundation.startup import prepare_process


def main(name: str | None = None) -> None:
    """Run the command; `name` is what its help calls it."""
    prepare_process()
    from finetune.cli import main as command  # noqa: PLC0415  after Ctrl-C has been taken

    command(prog_name=name)


if __name__ == "__main__":
    main("python -m finetune")
