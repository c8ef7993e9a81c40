"""From an adapter to a model that others can serve: merge, GGUF, Ollama, vLLM, activation."""
