"""What all four packages stand on: errors, messages, settings, running commands, and small tools."""
