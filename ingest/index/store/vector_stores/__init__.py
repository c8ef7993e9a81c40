"""Where the copy of the vectors is kept: in Chroma, in a folder or on a server, or in memory."""
