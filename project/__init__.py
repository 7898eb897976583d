"""Wires the apps together."""
