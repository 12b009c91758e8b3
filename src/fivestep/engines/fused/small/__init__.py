"""Small networks on the CPU: `code.py` calls `body/steps.py`, in which all of a step is compiled."""
