"""The index: text and words in SQLite, vectors in Chroma."""
