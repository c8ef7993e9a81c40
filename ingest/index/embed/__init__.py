"""Text to vectors: one promise, several encoders."""
