"""Larger networks on the CPU: units divided among threads (`divided.py`), or torch's products (`products.py`)."""
