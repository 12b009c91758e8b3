"""What is compiled, and nothing else: `steps.py` holds the five steps, the other files what they are made of."""
