"""Diagnosis: what is wrong with a run or a model, and the next change to make."""
