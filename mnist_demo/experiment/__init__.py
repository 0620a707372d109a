"""An experiment as plain data: every knob, a pair of two experiments, and the history of a run.

Uses plain Python and pydantic. Does not know tensors: `learning` decides what a knob does in training.
"""
