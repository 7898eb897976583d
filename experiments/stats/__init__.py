"""Statistics of experiments that stay valid at any moment of looking. Pure: numbers in, frozen records out.

Formulas and sources are those of docs/statistics.md; section numbers in the modules refer to it.
"""
