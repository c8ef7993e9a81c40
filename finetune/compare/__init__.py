"""Two evaluated models side by side."""
