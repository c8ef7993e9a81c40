"""Clients of model servers: Ollama's own API, and OpenAI's chat completions.

Chat models, the embedder, evaluation and export talk to the same servers. What they share is the
wire, and the wire is here, in the lowest package, so that all of them can use it:

    base        `ChatRequest` in, `ChatPiece`s out, `ModelServerError` when it fails
    connection  HTTP: address, time limits, proxies, waiting while the server is busy, failures
    ollama      `OllamaClient`: chat, embed, list, show, pull, upload, create
    openai      `OpenAIClient`: chat, list

Bytes become lines and events in `ingest.foundation.streams`, without I/O. The clients are async; a
caller that is not runs each exchange with `run_exchange`. A caller maps `ModelServerError` to the
error of its own package, once.
"""
