"""Export of a tuned model: merge, GGUF, Ollama, vLLM, and activation in the assistant."""
