"""The chat page: pixels only, fed by the same event stream as the terminal."""
