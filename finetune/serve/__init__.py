"""The tuned model behind HTTP: POST /predict, and chat as OpenAI's API has it."""
