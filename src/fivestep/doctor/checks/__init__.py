"""What can be wrong with a loop: one file for each, found by its name, which is the name of its finding.

Each defines one function from the record to what it has to say, or None. Its docstring is its page.
"""
