"""The searchable index: splitting, ranking, embedding and storage."""
