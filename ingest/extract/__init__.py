"""From bytes to the main text: HTML, feeds and files, read in worker processes."""
