"""From the bytes of a data file to its rows, whatever holds them, in flat memory."""
