"""Evaluation of models on held-out records: replies, scores and figures."""
