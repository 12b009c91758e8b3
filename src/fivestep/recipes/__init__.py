"""Recipes, one file each: from a task or a table and a few options to a network and a plan."""
