"""One module per kind of file: how it is recognized, and how its bytes become text."""
