"""`python -m assistant`, for machines where another program owns the name `assistant`."""

from assistant.cli import main

main(prog_name="python -m assistant")
