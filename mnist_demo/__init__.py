"""MNIST Lab: train two small networks that differ in one knob, watch why they learn, draw on them."""
