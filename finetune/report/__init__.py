"""The results of a run as an HTML page and as a model card."""
