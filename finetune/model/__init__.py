"""How text reaches a base model: chat format, tokens, samples and memory."""
