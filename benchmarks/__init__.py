"""What README's performance table was measured with: `python -m benchmarks [NAME ...]`. Never asserted in a test."""
