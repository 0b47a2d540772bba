"""The machine that an evaluation may ask, bounded in every answer. All of it is I/O."""
