"""Words, encodings and language of Chinese and English text."""
