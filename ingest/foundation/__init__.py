"""What all four packages stand on: errors, messages, settings, commands, small tools."""
