"""What can be wrong with a loop: one file for each check, whose name is that of its finding.

Each defines one function from the record to a finding, or None. Its docstring is its documentation.
"""
