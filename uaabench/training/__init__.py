"""Training of the methods that can be trained: losses, crops and loops."""
