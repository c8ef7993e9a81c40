"""The command line of the assistant, one module a command."""
