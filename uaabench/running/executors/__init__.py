"""Where the shares of a run are carried out: in this process, in a pool of processes, or by a cluster.

`job.py` is what a worker is given, `workers.py` what the pipeline knows of workers; `pool.py` and `cluster.py` are two
kinds of them, `surroundings.py` is what those of a cluster must find, and `named.py` the one option that chooses.
"""
