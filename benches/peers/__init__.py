"""The tools beside which VisualDL is measured: one small module each, all signing the contract in `contract.py`.

A tool runs in an environment of its own, `.peers/NAME`, which `python -m benches.peers NAME` makes from the versions
in `versions.txt`. TensorBoard stands in the environment of the developers, and so do we. A module here imports its tool
only inside its methods: the benches read all modules, the measurements run in the tool's environment.
"""
