"""The Train tab before a training: the lesson's question, the knobs, the training loop and the hints."""
