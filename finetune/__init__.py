"""From domain data to a served model. The rooms open with their own issue."""
