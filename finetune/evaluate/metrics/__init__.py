"""How good an answer is: each figure in one place, with the source of its definition."""
