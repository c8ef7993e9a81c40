"""Finding pages on the web: one promise, several engines."""
