"""What goes wrong in fine-tuning: evidence, and one rule for each thing. Without torch."""
