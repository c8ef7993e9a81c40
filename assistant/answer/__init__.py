"""From a question to a cited answer: retrieval, prompt, conversation and citations."""
