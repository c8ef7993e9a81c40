"""What is wrong with a run, and the next change to make."""
