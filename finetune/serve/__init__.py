"""Serve the tuned model over HTTP: POST /predict, and OpenAI's chat API."""
