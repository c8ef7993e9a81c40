"""From domain data to a served model, one folder a step."""
