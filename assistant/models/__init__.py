"""Chat models: one promise, several servers."""
