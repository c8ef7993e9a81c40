"""Training: transformers' Trainer and peft's LoRA, with a loss on target tokens alone."""
