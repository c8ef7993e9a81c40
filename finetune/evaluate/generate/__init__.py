"""Models that are asked for replies: in this process, on Ollama, on any OpenAI-like server."""
