"""Text of strangers, made harmless: as a tree of known nodes, or as Markdown for Streamlit."""
