"""The Train tab after a training: back to any epoch, the runs kept, downloads, and a step taken apart."""
