"""What each answer was made of, kept by id: for `assistant explain`, `replay` and `history`."""
