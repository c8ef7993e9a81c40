"""Model servers for tests: one speaks Ollama on the wire, one runs a tiny model for real."""
