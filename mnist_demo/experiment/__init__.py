"""An experiment as plain data: every knob, the pair of two experiments, and the history of a run.

Plain Python and pydantic. Knows no tensor: what a knob does to a training is written in `learning`.
"""
