"""Text to vectors: one protocol, several embedders."""
