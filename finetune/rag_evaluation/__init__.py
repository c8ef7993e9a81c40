"""Evaluation through the assistant: retrieval, its prompt, the model, its checks of the answer."""
