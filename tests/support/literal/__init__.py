"""The metrics once more, literally from their definitions: slow, in float64, and without any code of uaabench.metrics.

What the profiles compute is compared with this, and this with the independent implementations of the oracle.
"""
