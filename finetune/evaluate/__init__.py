"""How good a model is on held-out records: replies, metrics and figures."""
